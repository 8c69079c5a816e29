"""Which chain has which terms, and how tables of terms are read and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.ontology.base import Ontology
from graphlearn.proteins.text import add_chain, did_you_mean, located_lines

NO_SEPARATORS = ";|"


@dataclass(frozen=True)
class Annotations:
    """Terms of chains, in one ontology.

    Attributes:
        terms: In the order of the columns of a model.
        names: Of terms, in words; may lack some.
        labels: Terms of each chain, all of them in ``terms``.
    """

    terms: tuple[str, ...]
    names: Mapping[str, str]
    labels: Mapping[str, frozenset[str]]

    def __post_init__(self) -> None:
        known = set(self.terms)
        if len(known) != len(self.terms):
            twice = next(t for t in self.terms if self.terms.count(t) > 1)
            raise InputError(f"the term {twice} is listed twice; a column needs a term of its own")
        for chain, terms in self.labels.items():
            if not terms <= known:
                raise InputError(f"{chain}: {min(terms - known)} is not among the {len(known)} terms")

    @classmethod
    def from_labels(cls, labels: Mapping[str, Iterable[str]], names: Mapping[str, str] | None = None) -> Annotations:
        """Take labels as they are; the terms are those that occur, sorted.

        Args:
            labels: Terms by name of the chain.
            names: Of terms, in words; none by default.

        Returns:
            Annotations with one column per term that occurs.
        """
        sets = {chain: frozenset(terms) for chain, terms in labels.items()}
        return cls(tuple(sorted(frozenset[str]().union(*sets.values()))), dict(names or {}), sets)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.terms)} terms, {len(self)} chains)"

    def targets(self, chains: Sequence[str]) -> np.ndarray:
        """Labels as a table.

        Args:
            chains: Which, in the order of the rows, N of them.

        Returns:
            Bool [N, T].

        Raises:
            InputError: if a chain has no row here.
        """
        if missing := [chain for chain in chains if chain not in self.labels]:
            raise InputError(f"no annotation of chain {missing[0]!r}{did_you_mean(missing[0], self.labels)}")
        column = {term: index for index, term in enumerate(self.terms)}
        table = np.zeros((len(chains), len(self.terms)), dtype=bool)
        for row, chain in zip(table, chains, strict=True):
            row[[column[term] for term in self.labels[chain]]] = True
        return table

    def counts(self, chains: Collection[str] | None = None) -> np.ndarray:
        """Chains with each term, int [T]; among those given, or all."""
        return self.targets(list(self.labels if chains is None else chains)).sum(0)

    def with_terms(self, terms: Sequence[str]) -> Annotations:
        """The same chains with other columns: labels outside of ``terms`` go, terms without a label may come."""
        kept = frozenset(terms)
        return Annotations(tuple(terms), self.names, {chain: labels & kept for chain, labels in self.labels.items()})

    def with_chains(self, chains: Iterable[str]) -> Annotations:
        """The same columns for those of the chains that have a row here."""
        return Annotations(self.terms, self.names, {c: self.labels[c] for c in chains if c in self.labels})

    def closed(self, ontology: Ontology, *, roots: bool = False) -> Annotations:
        """Labels with all their ancestors, columns sorted anew.

        Args:
            ontology: Gives the ancestors.
            roots: Keep its roots as terms.

        Returns:
            New annotations of the same chains.

        Raises:
            InputError: if the ontology lacks a term.
        """
        return Annotations.from_labels(
            {chain: ontology.closure(terms, roots=roots) for chain, terms in self.labels.items()}, self.names
        )


def read_term_table(
    path: Path | str, *, names: Mapping[str, str] | None = None, known: Collection[str] | None = None
) -> Annotations:
    """Read a plain table, one chain and its terms per line: ``1A2B-C<TAB>GO:0003824,GO:0016787``.

    A first line that begins with ``chain`` and lines that begin with ``#`` are ignored. A chain may stand without
    terms.

    Args:
        path: The file, plain or packed.
        names: Of terms, in words.
        known: Chains that there are; None takes any.

    Returns:
        Annotations of the chains of the table.

    Raises:
        InputError: if a line is malformed, a chain is unknown or stands twice; names file and line.
    """
    labels: dict[str, frozenset[str]] = {}
    for index, (where, line) in enumerate(located_lines(path)):
        chain, *rest = line.split("\t")
        if line.startswith("#") or (index == 0 and chain.lower() == "chain"):
            continue
        if len(rest) > 1:
            raise InputError(f"{where}: {len(rest) + 1} fields; a chain, a tab and terms with commas are needed")
        add_chain(labels, chain, split_terms(rest[0] if rest else "", where), where, known)
    if not labels:
        raise InputError(f"{path}: holds no chain")
    return Annotations.from_labels(labels, names)


def split_terms(field: str, where: str, known: Collection[str] | None = None) -> frozenset[str]:
    """Terms of a field with commas between them.

    Args:
        field: The text, may be empty.
        where: File and line, for the message.
        known: Terms that there are; None takes any.

    Returns:
        The terms; none for an empty field.

    Raises:
        InputError: if one is empty, stands twice, holds white space or is unknown.
    """
    terms = field.split(",") if field else []
    for term in terms:
        if mark := next((letter for letter in term if letter in NO_SEPARATORS), ""):
            raise InputError(f"{where}: {term[:60]!r} holds {mark!r} and would be one term; write commas between terms")
        if not term or any(letter.isspace() for letter in term):
            raise InputError(f"{where}: {term!r} in {field[:60]!r} is no term; write terms with commas and no blanks")
        if known is not None and term not in known:
            raise InputError(f"{where}: term {term!r} is not in the header of the file{did_you_mean(term, known)}")
    found = frozenset(terms)
    if len(found) != len(terms):
        raise InputError(f"{where}: {next(t for t in terms if terms.count(t) > 1)} stands twice")
    return found
