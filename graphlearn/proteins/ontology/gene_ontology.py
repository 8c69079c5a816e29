"""The Gene Ontology, from its OBO file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.proteins.ontology.base import Ontology
from graphlearn.proteins.text import did_you_mean, read_text

NAMESPACES = {"molecular_function": "mf", "biological_process": "bp", "cellular_component": "cc"}
# The tags that are used; obonet takes more than twice as long with definitions and synonyms as without.
_TAGS = (
    "[", "id:", "name:", "namespace:", "alt_id:", "is_a:", "relationship:", "is_obsolete:", "replaced_by:", "consider:",
    "format-version:", "data-version:", "default-namespace:", "ontology:",
)  # fmt: skip
RELATIONS = ("is_a", "part_of", "regulates", "positively_regulates", "negatively_regulates")


@dataclass(frozen=True)
class GeneOntologyTerm:
    """One term.

    Attributes:
        id: Like ``GO:0003824``.
        name: In words.
        namespace: ``mf``, ``bp`` or ``cc``.
        parents: Terms directly above, of the same namespace, by the relations that were asked for.
    """

    id: str
    name: str
    namespace: str
    parents: tuple[str, ...]


class GeneOntology(Ontology):
    """Terms of the Gene Ontology (Ashburner et al., Nature Genetics 25, 25, 2000).

    Args:
        terms: All that are not obsolete.
        alternatives: Primary identifier of each alternative one.
        obsolete: Identifiers that are no longer used, each with those that take its place.
        version: Date of the release, like ``2019-01-27``.
    """

    def __init__(
        self,
        terms: Iterable[GeneOntologyTerm],
        *,
        alternatives: Mapping[str, str] | None = None,
        obsolete: Mapping[str, tuple[str, ...]] | None = None,
        version: str = "",
    ) -> None:
        super().__init__()
        self.terms = {term.id: term for term in terms}
        self.alternatives = dict(alternatives or {})
        self.obsolete = dict(obsolete or {})
        self.version = version

    @classmethod
    def read(cls, path: Path | str, *, relations: Iterable[str] = RELATIONS) -> GeneOntology:
        """Read an OBO file, ``go.obo`` or ``go-basic.obo``, plain or packed.

        Args:
            path: The file.
            relations: Which lead to a parent; those within a namespace that go-basic keeps, by default.

        Returns:
            The terms of the file that are not obsolete, with their relations.

        Raises:
            InputError: if the file is no OBO file of the Gene Ontology, or a relation is none of ``RELATIONS``.
        """
        import obonet

        relations = tuple(relations)
        if unknown := [relation for relation in relations if relation not in RELATIONS]:
            raise InputError(f"unknown relation {unknown[0]!r}{did_you_mean(unknown[0], RELATIONS)}")
        kept = [line for line in read_text(path).split("\n") if not line or line.startswith(_TAGS)]
        try:
            graph = obonet.read_obo(io.StringIO("\n".join(kept)), ignore_obsolete=False)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: not readable as an OBO file ({' '.join(str(error).split())})") from None
        default = str(graph.graph.get("default-namespace", ""))
        nodes = {
            str(node): attributes
            for node, attributes in graph.nodes(data=True)
            if attributes.get("namespace", default) in NAMESPACES
        }
        if not nodes:
            raise InputError(f"{path}: holds no term of the Gene Ontology; take go-basic.obo from geneontology.org")
        current = {node: a for node, a in nodes.items() if a.get("is_obsolete") != "true"}
        namespaces = {node: a.get("namespace", default) for node, a in current.items()}
        parents = {
            node: dict.fromkeys(
                parent
                for _, parent, relation in graph.out_edges(node, keys=True)
                if relation in relations and namespaces.get(parent) == namespace
            )
            for node, namespace in namespaces.items()
        }
        return cls(
            (
                GeneOntologyTerm(node, str(a.get("name", node)), NAMESPACES[namespaces[node]], tuple(parents[node]))
                for node, a in current.items()
            ),
            alternatives={other: node for node, a in current.items() for other in a.get("alt_id", ())},
            obsolete={
                node: (*a.get("replaced_by", ()), *a.get("consider", ()))
                for node, a in nodes.items()
                if node not in current
            },
            version=re.sub(r".*?(\d{4}-\d{2}-\d{2}).*", r"\1", str(graph.graph.get("data-version", ""))),
        )

    def __len__(self) -> int:
        return len(self.terms)

    def __contains__(self, term: str) -> bool:
        return term in self.terms or term in self.alternatives

    def __getitem__(self, term: str) -> GeneOntologyTerm:
        """A term by its identifier or an alternative one."""
        return self.terms[self.resolve(term)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} terms, version {self.version or 'unknown'})"

    def resolve(self, term: str) -> str:
        """Primary identifier of a term.

        Args:
            term: A primary or alternative identifier, such as ``GO:0003824``.

        Returns:
            The primary identifier.

        Raises:
            InputError: if there is no such term, or it is obsolete.
        """
        if term in self.terms:
            return term
        if term in self.alternatives:
            return self.alternatives[term]
        release = f"release {self.version}" if self.version else "this release"
        if term in self.obsolete:
            instead = " or ".join(self.obsolete[term])
            raise InputError(f"{term} is obsolete in {release}{f'; use {instead} instead' if instead else ''}")
        near = did_you_mean(term, self.terms) or "; identifiers look like GO:0003824"
        raise InputError(f"unknown term {term!r} of the Gene Ontology, {release}{near}")

    def parents(self, term: str) -> tuple[str, ...]:
        """Terms directly above a term; none above the root of its namespace."""
        return self[term].parents
