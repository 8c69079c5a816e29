"""Residues that are known to matter: catalytic, binding and interface residues of chains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.text import check_chain, table_rows

LIGANDS = ("small", "metal", "nuclear")
_CATALYTIC = "chain\tindex0\taa\tmcsa_id\tis_reference\treference\troles"
_BINDING = "chain\tuniprot\tligand_class\tindex0_list"
_INTERFACE = "chain\tscannet_subset\tlabels(1=interface,0=not,.=unmapped)"
_LETTERS = frozenset("01.")


class SiteMask(NamedTuple):
    """Site residues of a chain, by row from 0.

    Attributes:
        site: Residue belongs to a site, bool [L].
        known: Whether that is known, bool [L].
    """

    site: np.ndarray
    known: np.ndarray


def read_catalytic_residues(
    path: Path | str, lengths: Mapping[str, int], *, reference_only: bool = False
) -> dict[str, SiteMask]:
    """Read catalytic residues of M-CSA (``mcsa_catalytic_residues.tsv.gz``; Ribeiro et al., NAR 46, D618, 2018).

    Args:
        path: The file, plain or packed: a residue per line.
        lengths: Residues of each chain.
        reference_only: Leave out residues that were transferred to homologues of M-CSA's own entries.

    Returns:
        Mask of each chain that has a site.

    Raises:
        InputError: if a line is malformed, a chain is not in ``lengths`` or a residue outside of it; names file, line.
    """
    sites: dict[str, set[int]] = {}
    for number, (chain, index, _, _, reference, _, _) in table_rows(path, _CATALYTIC):
        where = f"{path}, line {number}"
        if reference not in ("0", "1"):
            raise InputError(f"{where}: is_reference is {reference!r}; 0 or 1 is needed")
        residues = _indices([index], chain, lengths, where)
        if reference == "1" or not reference_only:
            sites.setdefault(chain, set()).update(residues)
    return _masks(sites, lengths)


def read_binding_residues(
    path: Path | str, lengths: Mapping[str, int], *, ligands: Collection[str] = LIGANDS
) -> dict[str, SiteMask]:
    """Read ligand-binding residues of bindPredict (``bindpredict_binding_residues.tsv.gz``; Littmann et al., 2021).

    Args:
        path: The file, plain or packed: a chain and a class of ligand per line.
        lengths: Residues of each chain.
        ligands: Which of ``small``, ``metal`` and ``nuclear`` count.

    Returns:
        Mask of each chain that binds one of them.

    Raises:
        InputError: if a line is malformed, stands twice, a chain is not in ``lengths`` or a residue outside of it;
            names file and line.
    """
    unknown = sorted(set(ligands) - set(LIGANDS))
    if unknown:
        raise InputError(f"unknown ligands {', '.join(unknown)}; there are {', '.join(LIGANDS)}")
    sites: dict[str, set[int]] = {}
    seen: set[tuple[str, str]] = set()
    for number, (chain, _, ligand, indices) in table_rows(path, _BINDING):
        where = f"{path}, line {number}"
        if ligand not in LIGANDS:
            raise InputError(f"{where}: ligand {ligand!r}; one of {', '.join(LIGANDS)} is needed")
        if (chain, ligand) in seen:
            raise InputError(f"{where}: {chain} has a line of {ligand} already; keep one of them")
        seen.add((chain, ligand))
        residues = _indices(indices.split(","), chain, lengths, where)
        if ligand in ligands:
            sites.setdefault(chain, set()).update(residues)
    return _masks(sites, lengths)


def read_interface_residues(
    path: Path | str, lengths: Mapping[str, int], *, subsets: Collection[str] | None = None
) -> dict[str, SiteMask]:
    """Read protein-protein interface residues of ScanNet (``ppbs_interface_labels.tsv.gz``; Tubiana et al., 2022).

    Args:
        path: The file, plain or packed: a chain a line with 1, 0 or ``.`` (unknown) for each residue.
        lengths: Residues of each chain.
        subsets: Of ScanNet, like ``test_70``; all by default.

    Returns:
        Mask of each chain, also of one without an interface residue.

    Raises:
        InputError: if a line is malformed, a chain stands twice, is not in ``lengths`` or of another length; names file
            and line.
    """
    masks: dict[str, SiteMask] = {}
    seen: set[str] = set()
    for number, (chain, subset, labels) in table_rows(path, _INTERFACE):
        where = f"{path}, line {number}"
        check_chain(chain, where, lengths)
        if chain in seen:
            raise InputError(f"{where}: chain {chain} has a line already; keep one of them")
        seen.add(chain)
        if len(labels) != lengths[chain] or not _LETTERS.issuperset(labels):
            raise InputError(f"{where}: {len(labels)} labels of {chain}; {lengths[chain]} of 0, 1 or . are needed")
        if subsets is None or subset in subsets:
            letters = np.array(list(labels))
            masks[chain] = SiteMask(letters == "1", letters != ".")
    if not masks:
        raise InputError(f"{path}: no chain of {', '.join(subsets or ()) or 'any subset'}")
    return masks


def _indices(fields: Iterable[str], chain: str, lengths: Mapping[str, int], where: str) -> list[int]:
    """Residue numbers, checked against the length of the chain."""
    check_chain(chain, where, lengths)
    indices = []
    for field in fields:
        if not (field.isascii() and field.isdigit()) or int(field) >= lengths[chain]:
            raise InputError(f"{where}: residue {field!r} of {chain}; 0 to {lengths[chain] - 1} are there")
        indices.append(int(field))
    return indices


def _masks(sites: Mapping[str, set[int]], lengths: Mapping[str, int]) -> dict[str, SiteMask]:
    masks = {}
    for chain, residues in sites.items():
        site = np.zeros(lengths[chain], dtype=bool)
        site[list(residues)] = True
        masks[chain] = SiteMask(site, np.ones_like(site))
    return masks
