"""Residues that are known to matter: catalytic, binding and interface residues of chains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.text import add_chain, check_chain, table_rows

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
    found: list[tuple[str, list[int]]] = []
    for where, (chain, index, _, _, reference, _, _) in table_rows(path, _CATALYTIC):
        if reference not in ("0", "1"):
            raise InputError(f"{where}: is_reference is {reference!r}; 0 or 1 is needed")
        rows = _indices([index], chain, lengths, where)
        if reference == "1" or not reference_only:
            found.append((chain, rows))
    return _masks(found, lengths)


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
    found: dict[tuple[str, str], list[int]] = {}
    for where, (chain, _, ligand, indices) in table_rows(path, _BINDING):
        if ligand not in LIGANDS:
            raise InputError(f"{where}: ligand {ligand!r}; one of {', '.join(LIGANDS)} is needed")
        if (chain, ligand) in found:
            raise InputError(f"{where}: {chain} has a line of {ligand} already; keep one of them")
        found[chain, ligand] = _indices(indices.split(","), chain, lengths, where)
    return _masks(((chain, rows) for (chain, ligand), rows in found.items() if ligand in ligands), lengths)


def read_interface_residues(
    path: Path | str, lengths: Mapping[str, int], *, subsets: Collection[str] | None = None
) -> dict[str, SiteMask]:
    """Read protein-protein interface residues of ScanNet (``ppbs_interface_labels.tsv.gz``; Tubiana et al., 2022).

    Args:
        path: The file, plain or packed: one chain per line, with 1, 0 or ``.`` (unknown) for each residue.
        lengths: Residues of each chain.
        subsets: Of ScanNet, like ``test_70``; all by default.

    Returns:
        Mask of each chain, also of one without an interface residue.

    Raises:
        InputError: if a line is malformed, a chain stands twice, is not in ``lengths`` or of another length; names file
            and line.
    """
    found: dict[str, tuple[str, str]] = {}
    for where, (chain, subset, labels) in table_rows(path, _INTERFACE):
        add_chain(found, chain, (subset, labels), where, lengths)
        if len(labels) != lengths[chain] or not _LETTERS.issuperset(labels):
            raise InputError(f"{where}: {len(labels)} labels of {chain}; {lengths[chain]} of 0, 1 or . are needed")
    wanted = {chain: labels for chain, (subset, labels) in found.items() if subsets is None or subset in subsets}
    if not wanted:
        raise InputError(f"{path}: no chain of {', '.join(subsets or ()) or 'any subset'}")
    letters = {chain: np.array(list(labels)) for chain, labels in wanted.items()}
    return {chain: SiteMask(of_chain == "1", of_chain != ".") for chain, of_chain in letters.items()}


def _indices(fields: Sequence[str], chain: str, lengths: Mapping[str, int], where: str) -> list[int]:
    """Residue numbers, checked against the length of the chain."""
    check_chain(chain, where, lengths)
    for field in fields:
        if not (field.isascii() and field.isdigit()) or int(field) >= lengths[chain]:
            raise InputError(f"{where}: residue {field!r} of {chain}; 0 to {lengths[chain] - 1} are there")
    return [int(field) for field in fields]


def _masks(found: Iterable[tuple[str, list[int]]], lengths: Mapping[str, int]) -> dict[str, SiteMask]:
    masks: dict[str, SiteMask] = {}
    for chain, rows in found:
        nothing = SiteMask(np.zeros(lengths[chain], dtype=bool), np.ones(lengths[chain], dtype=bool))
        masks.setdefault(chain, nothing).site[rows] = True
    return masks
