"""Tables of labels rebuilt from primary sources, with where each label comes from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.proteins.ontology.annotations import Annotations, split_terms
from graphlearn.proteins.ontology.gene_ontology import NAMESPACES
from graphlearn.proteins.text import add_chain, located_lines, table_rows

_KEYS = tuple(NAMESPACES.values())
_HEADER = "\t".join(("chain", "source", "has_experimental", *_KEYS))


@dataclass(frozen=True)
class RebuiltLabels:
    """GO labels of chains, ancestors closed and roots removed.

    Attributes:
        annotations: Keys ``mf``, ``bp`` and ``cc``; a chain without a term of an ontology is left out there.
        sources: Of each chain: of ``GOA`` and ``EC2GO``. Labels from EC numbers alone lack binding terms.
        experimental: Chains with experimental evidence.
    """

    annotations: Mapping[str, Annotations]
    sources: Mapping[str, frozenset[str]]
    experimental: frozenset[str]


def read_rebuilt_labels(
    path: Path | str, *, names: Mapping[str, str] | None = None, known: Collection[str] | None = None
) -> RebuiltLabels:
    """Read ``go_propagated_labels.tsv.gz``.

    Args:
        path: The file, plain or packed: chain, source, has_experimental (0 or 1), mf, bp, cc.
        names: Of terms, in words.
        known: Chains that there are; None takes any.

    Returns:
        Annotations by ontology, sources of the labels of each chain, and the chains with experimental evidence.

    Raises:
        InputError: if a line is malformed, a chain is unknown or stands twice; names file and line.
    """
    labels: dict[str, dict[str, frozenset[str]]] = {key: {} for key in _KEYS}
    sources: dict[str, frozenset[str]] = {}
    experimental = set()
    for where, (chain, source, evidence, *fields) in table_rows(path, _HEADER):
        add_chain(sources, chain, frozenset(source.split("+")), where, known)
        if evidence not in ("0", "1"):
            raise InputError(f"{where}: has_experimental is {evidence!r}; 0 or 1 is needed")
        if evidence == "1":
            experimental.add(chain)
        for key, field in zip(_KEYS, fields, strict=True):
            if terms := split_terms(field, where):
                labels[key][chain] = terms
    annotations = {key: Annotations.from_labels(labels[key], names) for key in _KEYS}
    return RebuiltLabels(annotations, sources, frozenset(experimental))


def read_clusters(path: Path | str, column: str = "cluster30") -> dict[str, str]:
    """Cluster of each chain of ``chains.tsv.gz``.

    Args:
        path: The file, plain or packed.
        column: ``cluster30`` or ``cluster50``: at 30 or 50 % sequence identity.

    Returns:
        Name of the cluster by name of the chain.

    Raises:
        InputError: if there is no such column, or a line has another number of fields than the header.
    """
    header = next(located_lines(path))[1]
    names = header.split("\t")
    if not {"chain", column} <= set(names):
        raise InputError(f"{path}: there are no columns chain and {column}")
    chain, cluster = names.index("chain"), names.index(column)
    return {fields[chain]: fields[cluster] for _, fields in table_rows(path, header)}
