"""Residues on which the predicted terms depend most: one forward pass per chain, one backward pass per term."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.models import ProteinRPN


def attribution(model: ProteinRPN, data: Data, terms: Sequence[int]) -> Tensor:
    r"""Gradient times input of the terms' logits within the proposals,
    :math:`a_{ti} = m_i\, \mathrm{ReLU}\big(\sum_c f_{ic}\, \partial z_t / \partial f_{ic}\big)`.

    Args:
        model: In evaluation mode.
        data: One chain of L residues.
        terms: Columns t, K of them.

    Returns:
        Attribution of each residue, at least zero, ``[K, L]``; m is 1 for a model without proposals.
    """
    changed = copy.copy(data)
    changed.features = data.features.detach().clone().requires_grad_()
    with torch.enable_grad():
        output = model(changed)
        gradients = _gradients(output.logits[0], changed.features, terms)
    found = (gradients * changed.features.detach()).sum(-1).relu()
    return found if output.proposal is None else found * output.proposal.mask.detach()


def grad_cam(model: ProteinRPN, data: Data, terms: Sequence[int]) -> Tensor:
    r"""Grad-CAM on the residues before the readout,
    :math:`a_{ti} = \mathrm{ReLU}\big(\sum_c \bar g_{tc}\, x_{ic}\big)`.

    Args:
        model: In evaluation mode.
        data: One chain of L residues.
        terms: Columns t, K of them.

    Returns:
        Activation of each residue, zero for dropped ones, ``[K, L]``. The weight :math:`\bar g_{tc}` is the mean over
        residues of the gradient of the logit.

    Source: Selvaraju et al. 2017 (arXiv 1610.02391); DeepFRI uses it the same way.
    """
    with torch.enable_grad():
        output = model(data)
        gradients = _gradients(output.logits[0], output.nodes, terms)
    found = (output.nodes.detach() * gradients.mean(1, keepdim=True)).sum(-1).relu()
    return found.new_zeros(len(terms), data.num_nodes).index_copy(1, output.kept, found)


def _gradients(logits: Tensor, at: Tensor, terms: Sequence[int]) -> Tensor:
    """Gradient of each of the terms' logits, ``[K, *at.shape]``."""
    found = [torch.autograd.grad(logits[term], at, retain_graph=True)[0] for term in terms]
    return torch.stack(found) if found else at.new_zeros(0, *at.shape)
