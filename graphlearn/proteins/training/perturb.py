"""Perturbed structures: noisy positions, masked residues and dropped contacts, on a graph or a batch of graphs."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from graphlearn.base.errors import InputError
from graphlearn.proteins.graph import NUM_FEATURES
from graphlearn.proteins.structure.chain import RESIDUE_ORDER, SECONDARY_ORDER
from graphlearn.radius_graph import radius_graph

UNKNOWN = RESIDUE_ORDER.index("X")
COIL = SECONDARY_ORDER.index("-")
NO_PROFILE = NUM_FEATURES - 1
FIRST_OF_PROFILE = len(RESIDUE_ORDER) + len(SECONDARY_ORDER) + 2


def perturb(
    batch: Data,
    generator: torch.Generator,
    *,
    noise_angstrom: float = 0.5,
    mask: float = 0.15,
    drop_contacts: float = 0.1,
    cutoff_angstrom: float = 10.0,
) -> Data:
    r"""Another view of the same proteins, as contrastive learning needs it.

    :func:`with_noise`, then :func:`with_masked_residues`, then :func:`with_dropped_contacts`. A strength of zero leaves
    its part as it is.

    Args:
        batch: Graphs that :func:`graphlearn.proteins.contact_graph` made, one or a batch; it is not changed.
        generator: Where the random numbers come from.
        noise_angstrom: Standard deviation of the noise of each coordinate, angstrom.
        mask: Probability with which a residue is masked.
        drop_contacts: Probability with which a contact is dropped.
        cutoff_angstrom: That of the contacts, as in ``contact_graph``.

    Returns:
        New graphs, or a new batch; labels, names and all else are shared with the given one.

    Raises:
        InputError: if a strength is out of its range, or the graphs carry features of edges, which would no longer fit.
    """
    batch = with_noise(batch, generator, noise_angstrom, cutoff_angstrom)
    return with_dropped_contacts(with_masked_residues(batch, generator, mask), generator, drop_contacts)


def with_noise(
    batch: Data, generator: torch.Generator, noise_angstrom: float = 0.5, cutoff_angstrom: float = 10.0
) -> Data:
    r"""Gaussian noise on the positions, with the contacts of the new positions.

    .. math:: r_i' = r_i + \sigma \epsilon_i,\quad \epsilon_i \sim N(0, 1)^3

    Args:
        batch: One graph or a batch of L residues in all.
        generator: Where the random numbers come from.
        noise_angstrom: Sigma, angstrom.
        cutoff_angstrom: Largest distance of residues in contact, angstrom.

    Returns:
        New graphs whose ``pos`` and ``edge_index`` are other ones.

    Raises:
        InputError: if sigma is negative or the cutoff not positive, or the graphs carry features of edges.
    """
    if not 0 <= noise_angstrom < np.inf:
        raise InputError(f"noise_angstrom is {noise_angstrom}; it must be a length in angstrom")
    if not 0 < cutoff_angstrom < np.inf:
        raise InputError(f"cutoff_angstrom is {cutoff_angstrom}; it must be a length in angstrom")
    if noise_angstrom == 0:
        return copy.copy(batch)
    noise = torch.randn(batch.pos.shape, generator=generator, device=generator.device, dtype=batch.pos.dtype)
    pos = batch.pos + noise_angstrom * noise.to(batch.pos.device)
    noisy = _with_edges(batch, _contacts(pos, batch.batch, cutoff_angstrom))
    noisy.pos = pos
    return noisy


def with_masked_residues(batch: Data, generator: torch.Generator, share: float = 0.15) -> Data:
    """Mask residues: type X, coil, no profile, no embedding; accessibility stays.

    Args:
        batch: One graph or a batch.
        generator: Where the random numbers come from.
        share: Probability with which a residue is masked.

    Returns:
        New graphs whose ``residue_type``, ``secondary`` and ``features`` are other ones.

    Raises:
        InputError: if the share is not from 0 to 1.
    """
    if _is_zero(share):
        return copy.copy(batch)
    changed = copy.copy(batch)
    masked = _chosen(batch.num_nodes, generator, share).to(batch.features.device)
    changed.residue_type = batch.residue_type.masked_fill(masked, UNKNOWN)
    changed.secondary = batch.secondary.masked_fill(masked, COIL)
    nothing = batch.features.new_zeros(batch.features.size(1))
    nothing[[UNKNOWN, len(RESIDUE_ORDER) + COIL, NO_PROFILE]] = 1
    changed.features = torch.where(masked[:, None], nothing, batch.features)
    accessibility = slice(FIRST_OF_PROFILE - 2, FIRST_OF_PROFILE)
    changed.features[:, accessibility] = batch.features[:, accessibility]
    return changed


def with_dropped_contacts(batch: Data, generator: torch.Generator, share: float = 0.1) -> Data:
    """Fewer contacts: both directions of a contact go together.

    Args:
        batch: One graph or a batch.
        generator: Where the random numbers come from.
        share: Probability with which a contact is dropped.

    Returns:
        New graphs whose ``edge_index`` is another one, in the same order.

    Raises:
        InputError: if the share is not from 0 to 1, or the graphs carry features of edges.
    """
    if _is_zero(share):
        return copy.copy(batch)
    source, target = batch.edge_index
    pair = torch.minimum(source, target) * batch.num_nodes + torch.maximum(source, target)
    pairs, pair_of_edge = pair.unique(return_inverse=True)
    dropped = _chosen(len(pairs), generator, share).to(pair.device)
    return _with_edges(batch, batch.edge_index[:, ~dropped[pair_of_edge]])


def _is_zero(share: float) -> bool:
    if not 0 <= share <= 1:
        raise InputError(f"the share to mask or to drop is {share}; it must be from 0 to 1")
    return share == 0


def _chosen(count: int, generator: torch.Generator, share: float) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device) < share


def _contacts(pos: Tensor, batch: Tensor | None, cutoff: float) -> Tensor:
    """Contacts inside each graph, int64 [2, E]; one tree for all, with the graphs put side by side along x."""
    points = pos.detach().cpu().double()
    if batch is not None and len(points):
        graph, x = batch.cpu(), points[:, 0]
        low, high = (scatter(x, graph, reduce=reduce) for reduce in ("min", "max"))
        width = high - low + 2 * cutoff
        points[:, 0] += (width.cumsum(0) - width - low)[graph]
    return torch.from_numpy(radius_graph(points.numpy(), cutoff)).contiguous().to(pos.device)


def _with_edges(batch: Data, edge_index: Tensor) -> Data:
    """A shallow copy with other edges, which still comes apart into its graphs."""
    if extra := [key for key in batch.keys() if "edge" in key and key != "edge_index"]:  # noqa: SIM118
        raise InputError(f"{', '.join(extra)} of the graphs would not fit the perturbed edges; take them off first")
    changed = copy.copy(batch)
    changed.edge_index = edge_index
    if hasattr(batch, "_slice_dict"):
        counts = torch.bincount(batch.batch[edge_index[0]], minlength=batch.num_graphs).cpu()
        ends = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        changed._slice_dict = {**batch._slice_dict, "edge_index": ends}
    return changed
