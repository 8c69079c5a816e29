"""The files of DeepFRI: labels, lists of training, validation and test chains, and their sequence identity.

Gligorijevic et al., Nature Communications 12, 3168 (2021). Labels stand in nrPDB-GO_2019.06.18_annot.tsv and
nrPDB-EC_2020.04_annot.tsv, as users have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.proteins.ontology.annotations import Annotations, split_terms
from graphlearn.proteins.ontology.gene_ontology import NAMESPACES
from graphlearn.proteins.text import add_chain, check_chain, located_lines, read_text

# Of each ontology: the line above its terms, and that above their names where the file has names.
_GO_HEAD = {key: (f"### GO-terms ({name})", f"### GO-names ({name})") for name, key in NAMESPACES.items()}
_EC_HEAD = {"ec": ("### EC-numbers", "")}
_GO_TABLE = "### PDB-chain\t" + "\t".join(f"GO-terms ({name})" for name in NAMESPACES)
_EC_TABLE = "### PDB-chain\tEC-numbers"


def read_deepfri_annotations(path: Path | str, *, known: Collection[str] | None = None) -> dict[str, Annotations]:
    """Read ``nrPDB-GO_..._annot.tsv`` or ``nrPDB-EC_..._annot.tsv``.

    The head lists terms and names of each ontology below lines that begin with ``###``; the table below has a chain and
    its terms, with commas, in one column per ontology.

    Args:
        path: The file, plain or packed.
        known: Chains that there are; None takes any.

    Returns:
        Keys ``mf``, ``bp`` and ``cc``, or ``ec``. A chain is in each of them, without terms where it has none.

    Raises:
        InputError: if a line is malformed, a chain is unknown or stands twice, or a term is not in the head; names file
            and line.
    """
    lines = read_text(path).replace("\r\n", "\n").split("\n")
    head, table = (_EC_HEAD, _EC_TABLE) if lines[0].startswith(_EC_HEAD["ec"][0]) else (_GO_HEAD, _GO_TABLE)
    titles = [title for pair in head.values() for title in pair if title]
    for row, title in enumerate([*titles, table]):  # a line below each title lists terms or names; it may be empty
        if lines[2 * row : 2 * row + 1] != [title]:
            where = (
                f"{path}, line {2 * row + 1}: found {lines[2 * row][:60]!r}" if len(lines) > 2 * row else f"{path} ends"
            )
            raise InputError(f"{where} where {title!r} is needed; is this an annotation file of DeepFRI?")
    below = [tuple(line.split("\t")) if line else () for line in lines[1 : 2 * len(titles) : 2]]
    listed = {"": (), **dict(zip(titles, below, strict=True))}
    for term_line, name_line in head.values():
        terms, names = listed[term_line], listed[name_line]
        if twice := [term for term, count in Counter(terms).items() if count > 1]:
            raise InputError(f"{path}: {twice[0]} stands twice below {term_line!r}")
        if names and len(names) != len(terms):
            raise InputError(f"{path}: {len(terms)} terms below {term_line!r}, but {len(names)} names")
    known_terms = {key: frozenset(listed[term_line]) for key, (term_line, _) in head.items()}
    labels: dict[str, dict[str, frozenset[str]]] = {key: {} for key in head}
    for number, line in enumerate(lines[2 * len(titles) + 1 :], start=2 * len(titles) + 2):
        if not line:
            continue
        where = f"{path}, line {number}"
        chain, *fields = line.split("\t")
        if len(fields) != len(head):
            raise InputError(f"{where}: {len(fields) + 1} fields; a chain and {len(head)} columns of terms are needed")
        for key, field in zip(head, fields, strict=True):
            add_chain(labels[key], chain, split_terms(field, where, known_terms[key]), where, known)
    return {
        key: Annotations(listed[terms], dict(zip(listed[terms], listed[names], strict=False)), labels[key])
        for key, (terms, names) in head.items()
    }


def read_chain_list(path: Path | str, *, known: Collection[str] | None = None) -> list[str]:
    """Read the chains of a list file (``..._train.txt``), one per line, in their order.

    Args:
        path: The file, plain or packed.
        known: Chains that there are; None takes any.

    Returns:
        Names of the chains, in the order of the file.

    Raises:
        InputError: if a line is no name of a chain, a chain is unknown or stands twice; names file and line.
    """
    chains: dict[str, str] = {}
    for where, line in located_lines(path):
        chain = check_chain(line.strip(), where, known)
        if chain in chains:
            raise InputError(f"{where}: chain {chain} stands in {chains[chain].removeprefix(f'{path}, ')} already")
        chains[chain] = where
    return list(chains)


def read_identity_bins(path: Path | str) -> dict[str, frozenset[str]]:
    """Read which test chains are below which sequence identity to the training chains (``..._test.csv``).

    Args:
        path: The file, plain or packed: ``PDB-chain,<30%,<40%,...`` and rows of 0 and 1.

    Returns:
        Chains of each bin, for example of ``<30%``, as the file says: a bin holds those before it but for a few chains
            of DeepFRI's files.

    Raises:
        InputError: if a line is malformed or a chain stands twice; names file and line.
    """
    lines = located_lines(path)
    where, header = next(lines)
    first, *bins = header.split(",")
    if first != "PDB-chain" or not bins:
        raise InputError(f"{where}: the header is {header[:60]!r}, but 'PDB-chain,<30%,...' is needed")
    flags_of: dict[str, list[str]] = {}
    for where, line in lines:
        chain, *flags = line.split(",")
        if len(flags) != len(bins) or not set(flags) <= {"0", "1"}:
            raise InputError(f"{where}: a chain and {len(bins)} times 0 or 1 are needed, found {line[:60]!r}")
        add_chain(flags_of, chain, flags, where)
    return {name: frozenset(c for c, flags in flags_of.items() if flags[i] == "1") for i, name in enumerate(bins)}
