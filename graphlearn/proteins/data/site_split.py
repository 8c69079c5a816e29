"""Training, validation and test chains of objectness, and the target of each anchor."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from graphlearn.nn.region import objectness_targets
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.data.rebuilt_labels import read_clusters
from graphlearn.proteins.data.sites import LIGANDS, SiteMask, read_binding_residues, read_catalytic_residues
from graphlearn.proteins.data.split import PARTS, hashed_part
from graphlearn.proteins.recipe import Sites

FILES = {"catalytic": "mcsa_catalytic_residues.tsv.gz", "binding": "bindpredict_binding_residues.tsv.gz"}


class SiteSplit(NamedTuple):
    """Chains with sites, apart by sequence.

    Attributes:
        train: Training chains.
        validation: Those by which the epoch of the pre-training is chosen.
        test: Those on which localisation may be evaluated.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def read_sites(folder: Path, sources: Collection[str], lengths: Mapping[str, int]) -> dict[str, list[SiteMask]]:
    """Sites of each chain: one mask of all catalytic residues, and one per kind of ligand.

    Args:
        folder: Of the bundled tables.
        sources: ``catalytic``, ``binding`` or both.
        lengths: Residues of each chain that there is; sites of others are ignored.

    Returns:
        Site and known residues, bool [L] each, of every site of a chain; chains without a site are absent.
    """
    tables = [read_catalytic_residues(folder / FILES["catalytic"], lengths)] if "catalytic" in sources else []
    if "binding" in sources:
        tables += [read_binding_residues(folder / FILES["binding"], lengths, ligands=(kind,)) for kind in LIGANDS]
    chains = dict.fromkeys(chain for table in tables for chain in table)
    return {chain: [table[chain] for table in tables if chain in table] for chain in chains}


def split_sites(folder: Path, chains: Collection[str], held_out: Collection[str], options: Sites) -> SiteSplit:
    """Split chains so that no two of a cluster at 30 % sequence identity are in different parts.

    Args:
        folder: Of the bundled tables, which name the clusters.
        chains: To split.
        held_out: Chains whose clusters belong to the test part, those on which terms are evaluated.
        options: Shares of the parts. A cluster's part follows from a hash of its name, whatever else is there.

    Returns:
        Names of the chains of each part, sorted.
    """
    clusters = read_clusters(folder / "chains.tsv.gz")
    apart = {clusters[c] for c in held_out if c in clusters}
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for chain in sorted(chains):
        cluster = clusters[chain]
        drawn = hashed_part(cluster, validation=options.validation, test=options.test)
        parts["test" if cluster in apart else drawn].append(chain)
    return SiteSplit(*(tuple(parts[part]) for part in PARTS))


def objectness_masks(
    data: ProteinGO, sites: Mapping[str, list[SiteMask]], hops: int, coverage: float
) -> dict[str, SiteMask]:
    """Objectness target of each anchor, see :func:`graphlearn.nn.region.objectness_targets`.

    Residues of a site that is too spread out for any anchor are unknown, not background.

    Args:
        data: The chains as graphs.
        sites: Sites of each chain, which may overlap.
        hops: Reach of an anchor.
        coverage: Share of a site that an anchor must hold.

    Returns:
        Per chain, anchors that hold a site and anchors whose target is known, bool [L] each.
    """
    masks = {}
    for chain, columns in sites.items():
        member = torch.from_numpy(np.stack([mask.site for mask in columns], 1))
        target = objectness_targets(member, data.graph(chain).edge_index, hops=hops, coverage=coverage).bool().numpy()
        known = np.all([mask.known for mask in columns], 0)
        masks[chain] = SiteMask(target, known & (target | ~member.any(1).numpy()))
    return masks
