"""Attention over the layers of a network's history, one weight per layer and graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlearn.nn.readout.segments import Segments


class LayerAttention(nn.Module):
    r"""Signed attention over layers: a learned filter through the history of every node.

    With the shared projection :math:`\tilde x_{v,l} = W x_{v,l} + b + P_l` (P a sinusoidal code of the layer):

    .. math::
        c_{g,l} = \frac{1}{|g|} \sum_{v \in g} \langle W_q \tilde x_{v,L-1},\, W_k \tilde x_{v,l} \rangle, \quad
        \alpha_{g,l} = c_{g,l} / \sum_m c_{g,m}, \quad
        h_v = \sum_l \alpha_{g(v),l}\, \tilde x_{v,l}

    computed without ever forming :math:`\tilde x` or the keys: with
    :math:`q_v = W_k^T W_q \tilde x_{v,L-1}`, scores are :math:`W^T q_v \cdot x_{v,l} + q_v \cdot (b + P_l)` and the
    projection is applied once, to the weighted sum. O(N D^2 + N L D) operations and no N x L x D tensor beyond the
    history itself (layers of unequal width are projected one by one, and kept).

    The sum :math:`s = \sum_m c_{g,m}` may vanish. The guard divides by
    :math:`\mathrm{sign}(s) \max(|s|, \epsilon \sum_m |c_{g,m}|)`, with sign(0) = 1: it does not depend on the scale of
    the scores, leaves them exact where it does not act, and bounds :math:`\sum_l |\alpha_l|` by :math:`1/\epsilon`.
    Where it acts the weights sum to less than one. Where every score is zero they are 1/L.

    Args:
        channels: Channels of the layers: one number, or one per layer if they differ (each then has its own W).
        hidden_channels: Channels D of the output; by default those of the last layer.
        weights: ``signed`` (normalised by the sum, the paper's) or ``softmax``.
        guard: The :math:`\epsilon` above, in (0, 1].

    Shapes:
        - xs: L tensors ``[N, channels]``
        - output: ``[N, hidden_channels]`` and the weights ``[B, L]``

    Source: HISTOGRAPH (arXiv 2601.01123), section 3; average over the nodes of a graph, never over the batch.
    """

    def __init__(
        self,
        channels: int | Sequence[int],
        hidden_channels: int | None = None,
        *,
        weights: str = "signed",
        guard: float = 0.1,
    ) -> None:
        super().__init__()
        if weights not in ("signed", "softmax"):
            raise ValueError(f"weights={weights!r}; choose 'signed' or 'softmax'")
        if not 0 < guard <= 1:
            raise ValueError(f"guard={guard}; choose a number above 0 and at most 1")
        self.channels = channels if isinstance(channels, int) else list(channels)
        last = channels if isinstance(channels, int) else channels[-1]
        self.hidden_channels = hidden_channels or last
        self.weights, self.guard = weights, guard
        widths = [channels] if isinstance(channels, int) else channels
        self.embed = nn.ModuleList(nn.Linear(width, self.hidden_channels) for width in widths)
        self.query = nn.Linear(self.hidden_channels, self.hidden_channels, bias=False)
        self.key = nn.Linear(self.hidden_channels, self.hidden_channels, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise again; query and key start equal, so that scores start positive and the pole is far."""
        for layer in (*self.embed, self.query):
            layer.reset_parameters()
        with torch.no_grad():
            self.key.weight.copy_(self.query.weight)

    def forward(self, xs: Sequence[Tensor], segments: Segments) -> tuple[Tensor, Tensor]:
        """Weighted sum of the layers of every node.

        Args:
            xs: Output of every layer, ``[N, channels]`` each.
            segments: Graphs of the nodes.

        Returns:
            Mixed features, ``[N, hidden_channels]``, and the weights of the layers of each graph, ``[B, L]``.
        """
        code = layer_code(len(xs), self.hidden_channels, xs[-1])
        if isinstance(self.channels, int):
            shared = cast(nn.Linear, self.embed[0])
            weight, offset = shared.weight, shared.bias + code
        else:
            xs = [layer(x) for layer, x in zip(self.embed, xs, strict=True)]
            weight, offset = torch.eye(self.hidden_channels, dtype=code.dtype, device=code.device), code
        # Query and key maps meet in one small matrix, so that the nodes are multiplied once.
        bilinear = self.query.weight.T @ self.key.weight
        to_features, to_code = bilinear @ weight, bilinear @ offset.T
        direction = torch.addmm(offset[-1] @ to_features, xs[-1], weight.T @ to_features)
        constant = torch.addmm(offset[-1] @ to_code, xs[-1], weight.T @ to_code)
        accumulate = torch.promote_types(direction.dtype, torch.float32)
        wide = direction.to(accumulate)
        scores = torch.stack([(wide * x).sum(-1) for x in xs], dim=1) + constant
        alpha = self.normalise(segments.mean(scores))
        first, *others = segments.to_nodes(alpha.to(direction.dtype)).split(1, dim=1)
        mixed = first * xs[0]
        for share, x in zip(others, xs[1:], strict=True):
            mixed = torch.addcmul(mixed, share, x)
        if isinstance(self.channels, int):
            mixed = F.linear(mixed, weight)
        return mixed + segments.to_nodes(alpha.to(offset.dtype) @ offset).to(mixed.dtype), alpha

    def normalise(self, scores: Tensor) -> Tensor:
        """Weights of the layers from their scores, ``[B, L]``."""
        if self.weights == "softmax":
            positive: Tensor = (scores / self.hidden_channels**0.5).softmax(-1)
            return positive
        total, size = scores.sum(-1, keepdim=True), scores.abs().sum(-1, keepdim=True)
        zero = size == 0
        least = torch.where(zero, torch.ones_like(size), self.guard * size)
        safe = torch.where(total.abs() > least, total, torch.where(total < 0, -least, least))
        return torch.where(zero, torch.full_like(scores, 1 / scores.size(-1)), scores / safe)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {self.hidden_channels}, weights={self.weights!r})"


def layer_code(layers: int, channels: int, like: Tensor) -> Tensor:
    r"""Sinusoidal code of the layers, :math:`P_{l,2k} = \sin(l / 10000^{2k/D})` and the cosine at 2k + 1.

    Args:
        layers: Number of layers L.
        channels: Channels D.
        like: Gives type and device.

    Returns:
        ``[L, D]``.
    """
    even = torch.arange(0, channels, 2, device=like.device, dtype=torch.float64)
    angle = torch.arange(layers, device=like.device, dtype=torch.float64)[:, None] / 10000 ** (even / channels)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :channels].to(like.dtype)
