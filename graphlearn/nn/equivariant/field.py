"""How a uniform external field enters an equivariant network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.nn.equivariant.irreps import degree_of_component
from graphlearn.nn.equivariant.radial import RadialMLP


class FieldConditioning(nn.Module):
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
        - x: ``[N, S, (lmax+1)**2, channels]``
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
        self.register_buffer("degree", torch.tensor(degree_of_component(lmax)), persistent=False)

    def reset_parameters(self) -> None:
        """Initialise the network again."""
        self.network.reset_parameters()

    def coefficients(self, strength: Tensor) -> tuple[Tensor, Tensor]:
        """Scales s and shifts b, each [B, lmax + 1, channels]."""
        stacked = torch.cat([strength, -strength, torch.zeros_like(strength)])
        plus, minus, off = self.network(stacked).view(3, len(strength), 2, self.lmax + 1, self.channels)
        even, odd = 0.5 * (plus + minus), 0.5 * (plus - minus)
        shift = [odd[:, 1, l] if l % 2 else even[:, 1, l] - (off[:, 1, l] if l else 0.0) for l in range(self.lmax + 1)]
        return even[:, 0], torch.stack(shift, dim=1)

    def forward(self, x: Tensor, strength: Tensor, harmonics: Tensor, batch: Tensor) -> Tensor:
        """Condition features on the field; ``harmonics`` are those of the direction, [B, (lmax+1)**2] or more."""
        scale, shift = self.coefficients(strength)
        if self.unit_gain:
            scale = 1.0 + scale
        scale = scale.index_select(1, self.degree).index_select(0, batch)
        shift = shift.index_select(1, self.degree) * harmonics[:, : len(self.degree), None]
        return x * scale.unsqueeze(1) + shift.index_select(0, batch).unsqueeze(1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lmax}, {self.channels}, {self.num_samples})"


def direction_harmonics(direction: Tensor, lmax: int) -> Tensor:
    """Spherical harmonics of unit vectors, [B, (lmax+1)**2] with norm sqrt(2l+1); for a zero vector only l = 0."""
    from e3nn import o3

    length = direction.norm(dim=-1, keepdim=True)
    values = o3.spherical_harmonics(list(range(lmax + 1)), direction, normalize=True, normalization="component")
    keep = torch.ones_like(values)
    keep[:, 1:] = (length > 0.5).to(values)
    return values * keep
