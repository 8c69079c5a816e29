"""Contrastive losses: graphs that share labels, and two views of one graph, come to lie together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

WEIGHTINGS = ("any", "jaccard")


def supervised_contrastive_loss(
    z: Tensor, labels: Tensor, *, temperature: float = 0.1, weighting: str = "any"
) -> Tensor:
    r"""Supervised contrastive loss for one or many labels per sample.

    .. math::
        \ell_i = -\frac{1}{\sum_p w_{ip}} \sum_{p \ne i} w_{ip}
            \log \frac{e^{\cos(z_i, z_p) / \tau}}{\sum_{a \ne i} e^{\cos(z_i, z_a) / \tau}}

    averaged over the samples that share a label with another; zero, with a gradient of zero, if none does.

    Args:
        z: Embeddings, ``[B, D]``.
        labels: Class of each sample, ``[B]``, or its labels as zeros and ones, ``[B, C]``.
        temperature: Temperature :math:`\tau`.
        weighting: Weight :math:`w_{ip}` of a pair: ``any`` gives 1 to pairs that share a label, ``jaccard`` the
            number of shared labels over that of all labels of the two.

    Returns:
        The loss, ``[]``.

    Example:
        >>> z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
        >>> together, apart = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
        >>> supervised_contrastive_loss(z, together) < supervised_contrastive_loss(z, apart)
        tensor(True)

    Source: Khosla et al. 2020 (arXiv 2004.11362), the sum outside the logarithm, with positives by overlap of labels.
    """
    if z.dim() != 2 or labels.dim() not in (1, 2) or labels.size(0) != z.size(0):
        raise ValueError(
            f"z has shape {tuple(z.shape)} and labels {tuple(labels.shape)}; expected [B, D], and [B] or [B, C]"
        )
    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting={weighting!r}; choose one of {', '.join(WEIGHTINGS)}")
    log_share = _log_shares(z, temperature)
    weight = _overlap(labels, weighting, log_share.dtype).fill_diagonal_(0)
    total = weight.sum(1)
    loss = -(weight * log_share).sum(1) / torch.where(total > 0, total, torch.ones_like(total))
    return loss.sum() / (total > 0).sum().clamp(min=1)


def info_nce_loss(z1: Tensor, z2: Tensor, *, temperature: float = 0.1) -> Tensor:
    r"""NT-Xent: each sample must pick its other view among all 2B - 1 others.

    .. math:: \ell_i = -\log \frac{e^{\cos(z_i, z_{i'}) / \tau}}{\sum_{a \ne i} e^{\cos(z_i, z_a) / \tau}}

    averaged over both views; zero, with a gradient of zero, for fewer than two samples.

    Args:
        z1: Embeddings of the first view, ``[B, D]``.
        z2: Embeddings of the second view, ``[B, D]``, row by row of the same samples.
        temperature: Temperature :math:`\tau`.

    Returns:
        The loss, ``[]``.

    Example:
        >>> z = torch.eye(4)
        >>> info_nce_loss(z, z) < info_nce_loss(z, z.flip(0))
        tensor(True)

    Source: Chen et al. 2020 (arXiv 2002.05709).
    """
    if z1.dim() != 2 or z1.shape != z2.shape:
        raise ValueError(f"the views have shapes {tuple(z1.shape)} and {tuple(z2.shape)}; expected the same [B, D]")
    size = z1.size(0)
    log_share = _log_shares(torch.cat([z1, z2]), temperature)
    other_view = torch.cat([log_share.diagonal(size), log_share.diagonal(-size)])
    return -other_view.sum() / max(2 * size, 1)


def _log_shares(z: Tensor, temperature: float) -> Tensor:
    """Log-softmax of the cosines of each sample with all others, ``[B, B]``; the diagonal takes no part."""
    if temperature <= 0:
        raise ValueError(f"temperature={temperature}; choose a number above 0")
    unit = F.normalize(z.to(torch.promote_types(z.dtype, torch.float32)), dim=1)
    cosine = unit @ unit.T / temperature
    itself = torch.eye(z.size(0), dtype=torch.bool, device=z.device)
    return cosine.masked_fill(itself, torch.finfo(cosine.dtype).min).log_softmax(1).masked_fill(itself, 0)


def _overlap(labels: Tensor, weighting: str, dtype: torch.dtype) -> Tensor:
    """Weights of all pairs by their labels, ``[B, B]``."""
    if labels.dim() == 1:
        return (labels[:, None] == labels[None]).to(dtype)
    labels = labels.to(dtype)
    shared = labels @ labels.T
    if weighting == "any":
        return (shared > 0).to(dtype)
    count = labels.sum(1)
    return shared / (count[:, None] + count - shared).clamp(min=1)
