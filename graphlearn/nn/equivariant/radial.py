"""Distances and elements of an edge as learned scalars."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from graphlearn.nn.constants import ConstantBuffers


class GaussianBasis(ConstantBuffers):
    r"""Gaussians on an interval, :math:`g_k(d) = \exp(-(d - c_k)^2 / 2w^2)` with width twice the spacing.

    Args:
        num_functions: Number of Gaussians, at least 2: the first lies at zero, the last at the cutoff.
        cutoff: End of the interval; the unit is that of the distances.

    Shapes:
        - input: distances ``[E]``
        - output: ``[E, num_functions]``
    """

    centers: Tensor

    def __init__(self, num_functions: int, cutoff: float) -> None:
        super().__init__()
        self.num_functions, self.cutoff = num_functions, cutoff
        if num_functions < 2 or not 0 < cutoff < math.inf:
            raise ValueError(
                f"num_functions={num_functions}, cutoff={cutoff}; choose at least 2 functions and a cutoff above 0"
            )
        self._register_constant("centers", lambda: torch.linspace(0.0, cutoff, num_functions))
        self.width = 2.0 * cutoff / (num_functions - 1)

    def forward(self, distance: Tensor) -> Tensor:
        """Values of all Gaussians.

        Args:
            distance: Distances, ``[E]``, in the unit of the cutoff.

        Returns:
            ``[E, num_functions]``.

        Raises:
            ValueError: for another shape.
        """
        if distance.dim() != 1:
            raise ValueError(f"distances have shape {tuple(distance.shape)}; expected [E]")
        return torch.exp(-0.5 * ((distance[:, None] - self.centers.to(distance.device)) / self.width) ** 2)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.num_functions}, {self.cutoff})"


class RadialMLP(nn.Sequential):
    """Linear -> LayerNorm -> SiLU, twice, -> Linear; default initialisation U(-1, 1)/sqrt(fan_in).

    Args:
        in_channels: Edge scalars.
        hidden_channels: Width of the hidden layers.
        out_channels: Outputs.
        num_hidden: Hidden layers.
    """

    def __init__(self, in_channels: int, hidden_channels: int, out_channels: int, *, num_hidden: int = 2) -> None:
        layers: list[nn.Module] = []
        for _ in range(num_hidden):
            layers += [nn.Linear(in_channels, hidden_channels), nn.LayerNorm(hidden_channels), nn.SiLU()]
            in_channels = hidden_channels
        super().__init__(*layers, nn.Linear(in_channels, out_channels))

    def reset_parameters(self) -> None:
        """Initialise every layer again."""
        for layer in self:
            reset(layer)


class EdgeScalars(nn.Module):
    """Radial functions of the distance beside embeddings of the elements at both ends.

    Args:
        num_radial: Radial functions, given.
        channels: Channels of each element embedding.
        num_elements: Rows of the embedding tables (atomic numbers below it).

    Shapes:
        - radial: ``[E, num_radial]``; numbers: ``[N]``; edge_index: ``[2, E]``
        - output: ``[E, out_channels]`` with ``out_channels = num_radial + 2 * channels``
    """

    def __init__(self, num_radial: int, channels: int, *, num_elements: int = 90) -> None:
        super().__init__()
        self.out_channels = num_radial + 2 * channels
        self.source = nn.Embedding(num_elements, channels)
        self.target = nn.Embedding(num_elements, channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Embeddings from U(-0.001, 0.001)."""
        nn.init.uniform_(self.source.weight, -0.001, 0.001)
        nn.init.uniform_(self.target.weight, -0.001, 0.001)

    def forward(self, radial: Tensor, numbers: Tensor, edge_index: Tensor) -> Tensor:
        """Radial functions beside the embeddings of source and target.

        Args:
            radial: Radial functions, ``[E, num_radial]``.
            numbers: Atomic numbers, ``[N]``.
            edge_index: Edges from source to target, ``[2, E]``.

        Returns:
            ``[E, num_radial + 2 * channels]``.
        """
        source, target = edge_index
        return torch.cat([radial, self.source(numbers[source]), self.target(numbers[target])], dim=-1)
