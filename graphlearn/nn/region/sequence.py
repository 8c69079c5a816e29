"""Convolution along the chain: what stands before and after a residue, where no language model says it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlearn.nn.region.edges import check_features, check_per_node


class SequenceConvolution(nn.Module):
    r"""Residual convolutions over the neighbours of a residue in its sequence.

    .. math::
        x \leftarrow x + \mathrm{dropout}\Big(\mathrm{ReLU}\big(\mathrm{LayerNorm}
            \big(b + \sum_{|d| \le k/2} W_d\, x_{i + \delta d}\big)\big)\Big)

    once a layer, with dilations :math:`\delta = 1, 2, 4, \dots`. Residues are taken by their place in the chain, not by
    their row, so that the order of the rows does not matter; beyond the ends of a chain is zero.

    Args:
        channels: Channels, in and out.
        num_layers: Layers.
        kernel_size: Residues k that a layer sees, an odd number.
        dropout: Dropout.

    Shapes:
        - x: ``[N, channels]``; place, batch: ``[N]``; output: ``[N, channels]``

    Example:
        >>> layer = SequenceConvolution(8, 2, kernel_size=5)
        >>> layer(torch.randn(6, 8), torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([0, 0, 0, 1, 1, 1])).shape
        torch.Size([6, 8])
    """

    def __init__(self, channels: int, num_layers: int = 2, *, kernel_size: int = 9, dropout: float = 0.0) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={kernel_size}; choose an odd number of residues")
        self.channels, self.kernel_size = channels, kernel_size
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel_size, dilation=2**i, padding="same") for i in range(num_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(num_layers))
        self.dropout = nn.Dropout(dropout)

    def reset_parameters(self) -> None:
        """Initialise all weights again."""
        for layer in (*self.convolutions, *self.norms):
            layer.reset_parameters()

    def forward(self, x: Tensor, place: Tensor, batch: Tensor | None = None) -> Tensor:
        """Convolve the features along each chain.

        Args:
            x: Features of the residues, ``[N, channels]``.
            place: Place of each residue in its chain, from 0, each once, ``[N]``.
            batch: Chain of each residue, ``[N]``; None for a single chain.

        Returns:
            ``[N, channels]``.

        Raises:
            ValueError: for places that are negative, or shared by two residues of a chain.
        """
        check_features(x, self.channels)
        check_per_node("place", place, x.size(0))
        batch = torch.zeros_like(place) if batch is None else batch
        check_per_node("batch", batch, x.size(0))
        if place.dtype != torch.int64 or batch.dtype != torch.int64:
            raise ValueError(f"place holds {place.dtype} and batch {batch.dtype}; expected int64")
        if not place.numel():
            return x
        cells, length = self._cells(place, batch)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            line = x.new_zeros(length, self.channels).index_copy(0, cells, x)
            around = convolution(line.T.unsqueeze(0)).squeeze(0).T.index_select(0, cells)
            x = x + self.dropout(norm(around).relu())
        return x

    def _cells(self, place: Tensor, batch: Tensor) -> tuple[Tensor, int]:
        """Where residues stand on one line of all chains, with gaps that no kernel crosses, and its length."""
        gap = (self.kernel_size // 2) * 2 ** (len(self.convolutions) - 1) if len(self.convolutions) else 0
        first, _, first_chain, last_chain = torch.stack([*place.aminmax(), *batch.aminmax()]).tolist()
        if first < 0 or first_chain < 0:
            raise ValueError(f"places and chains are counted from 0; got place {first}, chain {first_chain}")
        lengths = place.new_zeros(last_chain + 1).scatter_reduce(0, batch, place + 1, "amax")
        starts = (lengths + gap).cumsum(0) - (lengths + gap)
        cells, length = starts[batch] + place, int((lengths + gap).sum())
        if int(place.new_zeros(length).index_fill(0, cells, 1).sum()) < place.size(0):
            raise ValueError("two residues of one chain have the same place; give each its own")
        return cells, length

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {len(self.convolutions)}, kernel_size={self.kernel_size})"
