"""Truth for the objectness of anchors, from known functional sites."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.nn.region.anchors import anchor_regions
from graphlearn.nn.region.edges import check_per_node


def objectness_targets(
    sites: Tensor, edge_index: Tensor, *, hops: int = 2, coverage: float = 0.7, batch: Tensor | None = None
) -> Tensor:
    r"""Which anchors hold a site: :math:`y_v = 1` iff v belongs to a site S and its ego graph holds most of S.

    .. math:: y_v = \big[\exists S \ni v:\; |S \cap N_k(v)| \ge c\,|S|\big]

    A residue outside any site is 0, even if its ego graph holds one.

    Args:
        sites: ``[N]`` or, where sites overlap, ``[N, C]`` with sites of different columns apart. Boolean: the residues
            of a column are one site per graph. Integer: residues with the same number are one site; negative is none.
        edge_index: Contacts, ``[2, E]``.
        hops: Reach k of the ego graph.
        coverage: Share c of the site that must lie in the ego graph, in (0, 1].
        batch: Graph of each node, ``[N]``: the same number in two graphs means two sites.

    Returns:
        Targets, 0 or 1, ``[N]``, in the default floating-point type.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4], [1, 0, 2, 1, 3, 2, 4, 3]])
        >>> objectness_targets(torch.tensor([0, 0, 0, -1, -1]), path, hops=1)
        tensor([0., 1., 0., 0., 0.])
    """
    if sites.dim() not in (1, 2) or sites.is_floating_point():
        raise ValueError(
            f"sites is {sites.dtype} of shape {tuple(sites.shape)}; expected booleans or integers, [N] or [N, C]"
        )
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage={coverage}; choose a share above 0 and at most 1")
    if batch is not None:
        check_per_node("batch", batch, sites.size(0))
    node, site = _memberships(sites.unsqueeze(-1) if sites.dim() == 1 else sites, batch)
    targets = torch.zeros(sites.size(0), device=sites.device)
    if not node.numel():
        return targets
    regions = anchor_regions(edge_index, node, num_nodes=sites.size(0), hops=hops)
    count = int(site.max()) + 1
    reached = torch.isin(regions.nodes * count + site[regions.owner], node * count + site)
    covered = torch.bincount(regions.owner[reached], minlength=node.size(0))
    share = covered.double() / torch.bincount(site)[site].double()
    targets[node[share >= coverage]] = 1
    return targets


def _memberships(sites: Tensor, batch: Tensor | None) -> tuple[Tensor, Tensor]:
    """Pairs of a node and a site it belongs to, sites counted through the batch."""
    member = sites if sites.dtype == torch.bool else sites >= 0
    node, column = member.nonzero().unbind(1)
    number = torch.zeros_like(node) if sites.dtype == torch.bool else sites[node, column]
    graph = torch.zeros_like(node) if batch is None else batch[node]
    site = torch.unique(torch.stack([graph, column, number], 1), dim=0, return_inverse=True)[1]
    return node, site
