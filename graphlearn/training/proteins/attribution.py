"""Which residues made a network say a term."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.models import ProteinRPN


def attribution(model: ProteinRPN, data: Data, term: int) -> Tensor:
    r"""Gradient times input of a term's logit within the proposals,
    :math:`a_i = m_i\, \mathrm{ReLU}\big(\sum_c f_{ic}\, \partial z_t / \partial f_{ic}\big)`.

    Args:
        model: In evaluation mode.
        data: One chain of L residues.
        term: Column t.

    Returns:
        Attribution of each residue, at least zero, ``[L]``; m is 1 for a model without proposals.
    """
    changed = copy.copy(data)
    changed.features = data.features.detach().clone().requires_grad_()
    with torch.enable_grad():
        output = model(changed)
        (gradient,) = torch.autograd.grad(output.logits[0, term], changed.features)
    found = (gradient * changed.features.detach()).sum(1).relu()
    return found if output.proposal is None else found * output.proposal.mask.detach()


def grad_cam(model: ProteinRPN, data: Data, term: int) -> Tensor:
    r"""Grad-CAM on the residues before the readout, :math:`a_i = \mathrm{ReLU}\big(\sum_c \bar g_c\, x_{ic}\big)`.

    Args:
        model: In evaluation mode.
        data: One chain of L residues.
        term: Column t.

    Returns:
        Activation of each residue, zero for dropped ones, ``[L]``. The weight :math:`\bar g_c` is the mean over
        residues of the gradient of the logit.

    Source: Selvaraju et al. 2017 (arXiv 1610.02391); DeepFRI uses it the same way.
    """
    with torch.enable_grad():
        output = model(data)
        (gradient,) = torch.autograd.grad(output.logits[0, term], output.nodes)
    found = (output.nodes.detach() * gradient.mean(0)).sum(1).relu()
    return found.new_zeros(data.num_nodes).index_copy(0, output.kept, found)
