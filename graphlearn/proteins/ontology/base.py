"""Terms and their ancestors, which a protein with a term has as well (the true-path rule)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from graphlearn.base.errors import InputError

OntologyName = Literal["mf", "bp", "cc", "ec"]


class Ontology(ABC):
    """A directed acyclic graph of terms; a subclass gives the name and the parents of a term."""

    def __init__(self) -> None:
        self._ancestors: dict[str, frozenset[str]] = {}

    @abstractmethod
    def resolve(self, term: str) -> str:
        """Primary identifier of a term.

        Args:
            term: An identifier, primary or not.

        Returns:
            The primary identifier.

        Raises:
            InputError: if there is no such term.
        """

    @abstractmethod
    def __contains__(self, term: str) -> bool:
        """Whether ``resolve`` finds the term."""

    @abstractmethod
    def parents(self, term: str) -> tuple[str, ...]:
        """Terms directly above a term; none above a root."""

    def ancestors(self, term: str, *, include_self: bool = True) -> frozenset[str]:
        """All terms above a term, roots among them.

        Args:
            term: Identifier.
            include_self: Count the term itself.

        Returns:
            Primary identifiers of the ancestors.

        Raises:
            InputError: if there is no such term.
        """
        term = self.resolve(term)
        if term not in self._ancestors:
            found, waiting = {term}, [term]
            while waiting:  # no recursion: ontologies are deep
                new = [parent for parent in self.parents(waiting.pop()) if parent not in found]
                found.update(new)
                waiting += new
            self._ancestors[term] = frozenset(found)
        above = self._ancestors[term]
        return above if include_self else above - {term}

    def closure(self, terms: Iterable[str], *, roots: bool = True) -> frozenset[str]:
        """Terms with all their ancestors.

        Args:
            terms: Identifiers.
            roots: Keep terms that have no parent, which every protein has and which carry no information.

        Returns:
            Primary identifiers of the terms and their ancestors.

        Raises:
            InputError: if there is no such term.
        """
        closed = frozenset[str]().union(*(self.ancestors(term) for term in terms))
        return closed if roots else frozenset(term for term in closed if self.parents(term))

    def matrix(self, terms: Sequence[str], *, strict: bool = True) -> csr_array:
        r"""Ancestors among a list of terms, :math:`A_{ij} = 1` where term j is term i or above it.

        Args:
            terms: Identifiers, T of them.
            strict: Refuse terms that the ontology lacks; otherwise they have no ancestor but themselves, for lists
                of another release.

        Returns:
            Sparse bool [T, T] with ones on the diagonal.

        Raises:
            InputError: if there is no such term, or one is listed twice (also under an alternative identifier).
        """
        primary = [self.resolve(term) if strict or term in self else term for term in terms]
        column: dict[str, int] = {}
        for index, term in enumerate(primary):
            if (earlier := column.setdefault(term, index)) != index:
                both = f"{terms[earlier]} and {terms[index]}"
                raise InputError(f"the terms {both} of the list are the same; keep one of them")
        above = [self.ancestors(term) if strict or term in self else frozenset([term]) for term in primary]
        rows = [sorted(column[a] for a in row if a in column) for row in above]
        pointers = np.cumsum([0, *map(len, rows)])
        indices = np.array([j for row in rows for j in row], dtype=np.int64)
        return csr_array((np.ones(len(indices), dtype=bool), indices, pointers), shape=(len(terms), len(terms)))
