"""HISTOGRAPH as the paper writes it: stacked and dense. The oracle of the tests and the peer of the benchmark."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.utils import scatter, to_dense_batch

from graphlearn.nn import HistoryReadout


def sinusoidal_code(layers: int, channels: int) -> Tensor:
    """Equation 2, entry by entry, float64 [L, D]."""
    code = torch.zeros(layers, channels, dtype=torch.float64)
    for layer in range(layers):
        for k in range(0, channels, 2):
            angle = torch.tensor(layer / 10000 ** (k / channels), dtype=torch.float64)
            code[layer, k] = angle.sin()
            if k + 1 < channels:
                code[layer, k + 1] = angle.cos()
    return code


def literal_readout(readout: HistoryReadout, xs: list[Tensor], batch: Tensor, batch_size: int) -> tuple[Tensor, Tensor]:
    """Graph vectors and layer weights of a readout of equal widths, with its own weights but every tensor formed."""
    layers = readout.layers
    (embed,) = layers.embed
    code = sinusoidal_code(len(xs), layers.hidden_channels).to(xs[0].dtype)
    x = embed(torch.stack(xs, dim=1)) + code
    query, key = layers.query(x[:, -1:]), layers.key(x)
    scores = (query * key).sum(-1) / layers.hidden_channels**0.5
    scores = scatter(scores, batch, dim=0, dim_size=batch_size, reduce="mean")
    alpha = scores.softmax(1) if layers.weights == "softmax" else scores / scores.sum(1, keepdim=True)
    h = (alpha[batch].unsqueeze(-1) * x).sum(1)
    if readout.nodes is not None:
        dense, filled = to_dense_batch(h, batch, batch_size=batch_size)
        z, _ = F.multi_head_attention_forward(
            *(3 * [dense.transpose(0, 1)]), readout.hidden_channels, readout.nodes.heads, readout.nodes.project.weight,
            readout.nodes.project.bias, None, None, False, 0.0, readout.nodes.out.weight, readout.nodes.out.bias,
            key_padding_mask=~filled, need_weights=False,
        )  # fmt: skip
        z = z.transpose(0, 1)[filled]
        h = h + z if readout.residual else z
    h = h if readout.norm is None else readout.norm(h)
    return scatter(h, batch, dim=0, dim_size=batch_size, reduce="mean"), alpha
