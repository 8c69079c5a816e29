"""How a uniform external field enters an equivariant network."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.nn.constants import ConstantBuffers
from graphlearn.nn.equivariant.frames import unit_vectors
from graphlearn.nn.equivariant.irreps import check_components, check_shape, degree_of_component, num_components
from graphlearn.nn.equivariant.radial import RadialMLP


class FieldConditioning(ConstantBuffers):
    r"""Scale and shift features by a field :math:`\mathbf{E}(t) = e(t)\,\hat{n}` of one direction.

    .. math:: y_{lm} = s_l(e) \odot x_{lm} + b_l(e)\, Y_{lm}(\hat{n})

    The functions s and b are built from one network f of the sampled strength so that the result depends on the
    vector field alone: s and b of even l are even in e, b of odd l is odd (so e, n and -e, -n are the same field), and
    b of l > 0 vanishes with the field. With n along the polar axis this is a bias on m = 0; molecule and field turned
    together turn the output.

    Args:
        lmax: Highest degree.
        channels: Number of channels.
        num_samples: Samples of the strength.
        hidden_channels: Width of the network.
        unit_gain: Scale by 1 + s, so that an untrained layer passes its input on.

    Shapes:
        - x: ``[N, S, (lmax+1)**2, channels]`` or ``[N, (lmax+1)**2, channels]``
        - strength: ``[B, num_samples]``; harmonics: ``[B, (lmax+1)**2]`` of the direction (:func:`direction_harmonics`)
        - batch: ``[N]``, the graph of each node
        - output: like x

    Source: OrbEvo (arXiv 2603.03511), which has the field along z only; the parity is ours.
    """

    degree: Tensor

    def __init__(
        self, lmax: int, channels: int, num_samples: int, *, hidden_channels: int = 128, unit_gain: bool = True
    ) -> None:
        super().__init__()
        self.lmax, self.channels, self.num_samples, self.unit_gain = lmax, channels, num_samples, unit_gain
        self.network = RadialMLP(num_samples, hidden_channels, 2 * (lmax + 1) * channels, num_hidden=1)
        self._register_constant("degree", lambda: torch.tensor(degree_of_component(lmax)))

    def reset_parameters(self) -> None:
        """Initialise the network again."""
        self.network.reset_parameters()

    def coefficients(self, strength: Tensor) -> tuple[Tensor, Tensor]:
        """Scales s and shifts b, each [B, lmax + 1, channels]."""
        stacked = torch.cat([strength, -strength, torch.zeros_like(strength)])
        plus, minus, off = self.network(stacked).view(3, strength.size(0), 2, self.lmax + 1, self.channels)
        even, odd = 0.5 * (plus + minus), 0.5 * (plus - minus)
        shift = [odd[:, 1, l] if l % 2 else even[:, 1, l] - (off[:, 1, l] if l else 0.0) for l in range(self.lmax + 1)]
        return even[:, 0], torch.stack(shift, dim=1)

    def forward(self, x: Tensor, strength: Tensor, harmonics: Tensor, batch: Tensor) -> Tensor:
        """Scale and shift features by the field of their graph.

        Args:
            x: Features, ``[N, (lmax+1)**2, channels]`` or ``[N, S, (lmax+1)**2, channels]``.
            strength: Samples of the field strength of each graph, ``[B, num_samples]``, in any one unit.
            harmonics: Harmonics of its direction, ``[B, (lmax+1)**2]`` or more, from :func:`direction_harmonics`.
            batch: Graph of each node, ``[N]``.

        Returns:
            Like x.

        Raises:
            ValueError: for other shapes.
        """
        if x.dim() == 3:
            conditioned: Tensor = self(x.unsqueeze(1), strength, harmonics, batch)
            return conditioned.squeeze(1)
        check_components(x, self.lmax, self.channels)
        check_shape(strength, (strength.size(0), self.num_samples), "strength")
        check_shape(harmonics, (strength.size(0), max(harmonics.size(-1), num_components(self.lmax))), "harmonics")
        check_shape(batch, (x.size(0),), "batch")
        degree = self.degree.to(x.device)
        scale, shift = self.coefficients(strength)
        if self.unit_gain:
            scale = 1.0 + scale
        scale = scale.index_select(1, degree).index_select(0, batch)
        shift = shift.index_select(1, degree) * harmonics[:, : len(degree), None]
        return x * scale.unsqueeze(1) + shift.index_select(0, batch).unsqueeze(1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.channels}, {self.num_samples})"


def direction_harmonics(direction: Tensor, lmax: int) -> Tensor:
    """Spherical harmonics of directions, [B, (lmax+1)**2] with norm sqrt(2l+1); for a zero vector only l = 0.

    Args:
        direction: Vectors of any other length, ``[B, 3]``.
        lmax: Highest degree.

    Returns:
        Harmonics, ``[B, (lmax+1)**2]``.
    """
    from e3nn import o3

    check_shape(direction, (direction.size(0), 3), "direction")
    values = o3.spherical_harmonics(
        list(range(lmax + 1)), unit_vectors(direction), normalize=False, normalization="component"
    )
    there = (direction != 0).any(-1, keepdim=True)
    return torch.cat([values[:, :1], values[:, 1:] * there], dim=-1)
