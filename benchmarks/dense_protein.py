"""ProteinRPN with dense adjacency matrices: the same weights and the same numbers, every pair of residues a cell."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from graphlearn.models import ProteinRPN
from graphlearn.nn.region import FunctionalAttention
from graphlearn.nn.region.convolution import Attention, Convolution


def dense_logits(model: ProteinRPN, features: Tensor, contacts: Tensor) -> Tensor:
    """Logits of B chains of N residues each, ``[B, num_terms]``.

    Args:
        model: With proposal and attention, without node drop, with ``readout="mean"``.
        features: ``[B, N, F]``.
        contacts: 1 for residues in contact, else 0, ``[B, N, N]``.
    """
    size, length, _ = features.shape
    joined = contacts + torch.eye(length)
    degree = joined.sum(-1)
    normal = joined * (degree.unsqueeze(-1) * degree.unsqueeze(-2)).rsqrt()
    rows = joined / degree.unsqueeze(-1)
    place, chain = torch.arange(length).repeat(size), torch.arange(size).repeat_interleave(length)
    x = model.embed(features).relu().flatten(0, 1)
    x = model.sequence(x, place, chain).unflatten(0, (size, length))
    proposal = model.proposal
    h = x
    for number, layer in enumerate(proposal.encoder):
        h = _convolve(layer, F.leaky_relu(h) if number else h, normal)
    mask = (2 * (_attend(proposal.score, h, joined).squeeze(-1) - proposal.theta)).sigmoid()
    for _ in range(proposal.hops):
        mask = proposal.diffusion * (rows @ mask.unsqueeze(-1)).squeeze(-1) + (1 - proposal.diffusion) * mask
    x = (x + F.leaky_relu(_attend(proposal.gate, h, joined))) * mask.unsqueeze(-1)
    weight = mask.unsqueeze(-1) * rows * mask.unsqueeze(-2) * contacts
    weight = weight + torch.diag_embed(weight.sum(-1) / contacts.sum(-1))  # a loop weighs as the mean contact
    x = x + _functional(model.attention, x, mask, weight)
    for layer in model.convolutions:
        x = x + model.dropout(_convolve(layer, x, normal).relu())
    return model.head(model.norm(x.mean(1)))


def _convolve(layer: Convolution, x: Tensor, weight: Tensor) -> Tensor:
    return weight @ F.linear(x, layer.weight) + layer.bias


def _attend(layer: Attention, x: Tensor, joined: Tensor) -> Tensor:
    z = F.linear(x, layer.weight)
    logits = F.leaky_relu((z * layer.receive).sum(-1, keepdim=True) + (z * layer.send).sum(-1).unsqueeze(-2), 0.2)
    out = logits.masked_fill(joined == 0, -torch.inf).softmax(-1) @ z
    return out if layer.bias is None else out + layer.bias


def _functional(layer: FunctionalAttention, x: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    z = layer.project(x).unflatten(-1, (layer.heads, -1)).transpose(-2, -3)  # [B, heads, N, channels of a head]
    received = (z * layer.receive.unsqueeze(1)).sum(-1)
    sent = (z * layer.send.unsqueeze(1)).sum(-1)
    logits = F.leaky_relu(received.unsqueeze(-1) + sent.unsqueeze(-2), 0.2)
    prior = weight.clamp(min=torch.finfo(weight.dtype).tiny).log().masked_fill(weight == 0, -torch.inf)
    prior = prior + (mask + layer.background * (1 - mask)).log().unsqueeze(-2)
    alpha = (logits + prior.unsqueeze(1)).softmax(-1)
    return (alpha @ z).transpose(-2, -3).flatten(-2).relu()
