"""A folder of a user's own proteins: structures in files, terms in a table or in DeepFRI's files."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from graphlearn.base.errors import InputError
from graphlearn.proteins.data.deepfri_files import read_chain_list, read_deepfri_annotations
from graphlearn.proteins.data.split import PARTS, split_by_identity
from graphlearn.proteins.ontology.annotations import Annotations, read_term_table
from graphlearn.proteins.ontology.base import OntologyName
from graphlearn.proteins.ontology.enzyme_commission import EnzymeCommission
from graphlearn.proteins.ontology.gene_ontology import GeneOntology
from graphlearn.proteins.sequence.search import DEFAULT_SEARCH, SearchProgram
from graphlearn.proteins.structure.files import ReadStructures
from graphlearn.proteins.text import read_text

AnyPath = str | os.PathLike[str]


class LabelledChains(NamedTuple):
    """Labels and parts of chains that there are, and chains, files and terms that are not, with the reason."""

    annotations: Annotations
    split: Mapping[str, tuple[str, ...]]
    failures: Mapping[str, str]


def read_labels(path: AnyPath, ontology: str) -> Annotations:
    """Labels of chains, from a plain table or from an annotation file of DeepFRI, told apart by the first line.

    Args:
        path: The table or the annotation file, plain or packed.
        ontology: Ontology to take from an annotation file of DeepFRI, ``mf``, ``bp``, ``cc`` or ``ec``; a plain table
            is read whole.

    Returns:
        Terms of each chain; of an annotation file, only the chains that have a term of the ontology.

    Raises:
        InputError: if the file is malformed, or does not hold the ontology.
    """
    if not read_text(Path(path)).startswith("###"):
        return read_term_table(Path(path))
    found = read_deepfri_annotations(Path(path))
    if ontology not in found:
        raise InputError(f"{path} holds terms of {', '.join(found)}, not of {ontology}")
    annotations = found[ontology]
    return annotations.with_chains([chain for chain, terms in annotations.labels.items() if terms])


@dataclass(frozen=True)
class LabelOptions:
    """How the labels of a user's own chains are used.

    Attributes:
        lists: Files with the chains of ``train``, ``validation`` and ``test``, one per line; without, chains are split
            by sequence (:func:`graphlearn.proteins.data.split.split_by_identity`).
        shares: Of the clusters for validation and test, where there are no lists.
        search: Program that finds similar sequences, where there are no lists: ``align``, our own, or ``mmseqs``.
        ontology_file: OBO release with which labels are closed under ancestors; without, labels stay as they are but
            for EC, which needs no file.
        minimum: Training chains that a term must have.
    """

    lists: Mapping[str, AnyPath] | None = None
    shares: tuple[float, float] = (0.1, 0.1)
    search: SearchProgram = DEFAULT_SEARCH
    ontology_file: AnyPath | None = None
    minimum: int = 1


def match_labels(
    annotations: Annotations, read: ReadStructures, ontology: OntologyName, options: LabelOptions
) -> LabelledChains:
    """Bring labels, structures and parts together.

    Args:
        annotations: As the table has them. A chain goes by its name (``1ABC-A``) or, where its file has no other
            chain, by that of the file (``1ABC``); upper and lower case are the same.
        read: The structures.
        ontology: Of the terms.
        options: Lists, or how chains are split without; ancestors; fewest chains of a term.

    Returns:
        Annotations with the terms that are frequent enough, chains of each part, and what was left out with the reason.

    Raises:
        InputError: if a term is not in the ontology, a list is of another part, no labelled chain has a structure, or
            no term is left.
    """
    lists, minimum = options.lists or {}, options.minimum
    if unknown := sorted(set(lists) - set(PARTS)):
        raise InputError(f"lists of {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
    alone = {name: chains[0] for name, chains in read.files.items() if len(chains) == 1}
    known = {**alone, **{name.upper(): name for name in read.store.names}}  # chain by each name that it goes by
    labels = {known[name.upper()]: terms for name, terms in annotations.labels.items() if name.upper() in known}
    bare = [name for name in annotations.labels if name.upper() not in known]
    failures = {
        **read.failures,
        **{chain: "has a structure, but no label" for chain in read.store.names if chain not in labels},
        **dict.fromkeys(bare, "has labels, but no structure file"),
    }
    if not labels:
        raise InputError(
            f"none of {len(annotations)} labelled chains has a structure; labels name {_some(annotations.labels)}, "
            f"structures hold {_some(read.store.names)}"
        )
    found = Annotations.from_labels(labels, annotations.names)
    if ontology == "ec":
        found = found.closed(EnzymeCommission())
    elif options.ontology_file is not None:
        relations = GeneOntology.read(Path(options.ontology_file))
        found = found.closed(relations)
        names = {term: relations[term].name for term in found.terms} | dict(annotations.names)
        found = replace(found, names=names)
    if lists:
        split = {part: _listed(lists.get(part), known, failures) for part in PARTS}
    else:
        sequences = {chain: read.store.sequence(chain) for chain in found.labels}
        validation, test = options.shares
        split = split_by_identity(sequences, validation=validation, test=test, search=options.search)
    part_of = {chain: part for part, chains in split.items() for chain in chains}
    failures |= {c: f"listed for {part}, but without a label" for c, part in part_of.items() if not found.labels.get(c)}
    unlisted = [chain for chain, terms in found.labels.items() if terms and chain not in part_of]
    failures |= dict.fromkeys(unlisted, "has labels and a structure, but stands in no list")
    split = {part: tuple(c for c in chains if found.labels.get(c)) for part, chains in split.items()}
    counts = dict(zip(found.terms, found.counts(split["train"]).tolist(), strict=True))
    frequent = [term for term in found.terms if counts[term] >= minimum]
    if not frequent:
        raise InputError(f"no term has {minimum} of the {len(split['train'])} training chains; lower minimum")
    rare = {term: f"a term of {n} training chains, fewer than {minimum}" for term, n in counts.items() if n < minimum}
    failures |= rare
    found = found.with_terms(frequent)
    if split["validation"] and not any(found.labels[chain] for chain in split["validation"]):
        raise InputError(
            f"no validation chain has one of the {len(frequent)} terms of the training chains; "
            "name the parts in lists, or add chains"
        )
    return LabelledChains(found, split, failures)


def _listed(file: AnyPath | None, known: Mapping[str, str], failures: dict[str, str]) -> tuple[str, ...]:
    if file is None:
        return ()
    names = read_chain_list(Path(file))
    failures |= {name: f"listed in {file}, but without a structure file" for name in names if name.upper() not in known}
    return tuple(known[name.upper()] for name in names if name.upper() in known)


def _some(names: Collection[str], count: int = 3) -> str:
    return ", ".join(sorted(names)[:count]) + (" ..." if len(names) > count else "")
