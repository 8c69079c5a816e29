"""The files of DeepFRI: labels, lists of training, validation and test chains, and their sequence identity.

Gligorijevic et al., Nature Communications 12, 3168 (2021). Labels stand in nrPDB-GO_2019.06.18_annot.tsv and
nrPDB-EC_2020.04_annot.tsv, as users have them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.proteins.ontology.annotations import Annotations, split_terms
from graphlearn.proteins.ontology.gene_ontology import NAMESPACES
from graphlearn.proteins.text import add_chain, check_chain, located_lines, read_text

_Lines = Iterator[tuple[int, str]]
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
    text = read_text(path).replace("\r\n", "\n")
    head, table = (_EC_HEAD, _EC_TABLE) if text.startswith(_EC_HEAD["ec"][0]) else (_GO_HEAD, _GO_TABLE)
    lines = enumerate(text.split("\n"), start=1)
    terms: dict[str, tuple[str, ...]] = {}
    names: dict[str, dict[str, str]] = {}
    for key, (term_line, name_line) in head.items():
        terms[key], names[key] = _read_head(lines, path, term_line, name_line)
    _expect(lines, path, table)
    known_terms = {key: frozenset(terms[key]) for key in head}
    labels: dict[str, dict[str, frozenset[str]]] = {key: {} for key in head}
    for number, line in lines:
        if not line:
            continue
        where = f"{path}, line {number}"
        chain, *fields = line.split("\t")
        if len(fields) != len(head):
            raise InputError(f"{where}: {len(fields) + 1} fields; a chain and {len(head)} columns of terms are needed")
        for key, field in zip(head, fields, strict=True):
            add_chain(labels[key], chain, split_terms(field, where, known_terms[key]), where, known)
    return {key: Annotations(terms[key], names[key], labels[key]) for key in head}


def _read_head(
    lines: _Lines, path: Path | str, term_line: str, name_line: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Terms of one ontology and their names."""
    terms = _listed(lines, path, term_line)
    if len(set(terms)) != len(terms):
        twice = next(term for term in terms if terms.count(term) > 1)
        raise InputError(f"{path}: {twice} stands twice below {term_line!r}")
    names = _listed(lines, path, name_line) if name_line else ()
    if names and len(names) != len(terms):
        raise InputError(f"{path}: {len(terms)} terms below {term_line!r}, but {len(names)} names")
    return terms, dict(zip(terms, names, strict=False))


def _listed(lines: _Lines, path: Path | str, title: str) -> tuple[str, ...]:
    """What the line below a title lists; it may be empty."""
    _expect(lines, path, title)
    _, line = next(lines, (0, ""))
    return tuple(line.split("\t")) if line else ()


def _expect(lines: _Lines, path: Path | str, title: str) -> None:
    """Skip a line that must be there."""
    number, line = next(lines, (0, ""))
    if line != title:
        where = f"{path}, line {number}: found {line[:60]!r}" if number else f"{path} ends"
        raise InputError(f"{where} where {title!r} is needed; is this an annotation file of DeepFRI?")


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
