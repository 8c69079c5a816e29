"""The bundled tables: DeepFRI's published chains with structures, labels and split, as files of one folder.

``datasets/protein_ec/README.md`` and ``datasets/protein_go/README.md`` list the files and where their content is from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.plain_files import file_hash
from graphlearn.base.unpacking import load_arrays, read_unpacked
from graphlearn.proteins.data.deepfri_files import read_chain_list, read_deepfri_annotations, read_identity_bins
from graphlearn.proteins.data.rebuilt_labels import read_clusters, read_rebuilt_labels
from graphlearn.proteins.ontology.annotations import Annotations
from graphlearn.proteins.structure.chain import RESIDUE_ORDER, SECONDARY_ORDER
from graphlearn.proteins.structure.chain_cache import CacheFolder, ChainCache, content_key
from graphlearn.proteins.structure.chain_store import ChainStore
from graphlearn.proteins.structure.with_mdtraj import LARGEST_AREA
from graphlearn.proteins.text import table_rows

CORE, PROFILES, CHAINS = "structdb_core.npz.xz", "structdb_profiles.npz.xz", "chains.tsv.gz"
LABELS, MF_TERMS = "go_propagated_labels.tsv.gz", "deepfri_mf_terms.tsv"
EC_LABELS = "deepfri/nrPDB-EC_2020.04_annot.tsv.gz"
LISTS = {"ec": "deepfri/nrPDB-EC_2020.04_{}.txt.gz", "go": "deepfri/nrPDB-GO_2019.06.18_{}.txt.gz"}
BINS = {"ec": "deepfri/nrPDB-EC_2020.04_test.csv.gz", "go": "deepfri/nrPDB-GO_2019.06.18_test.csv.gz"}
NAMES_OF_LISTS = {"train": "train", "validation": "valid", "test": "test"}
# Coordinates of another chain than the name says: their sequence is not in that of the chain.
MISNAMED = frozenset({"1MHM-A", "3P8C-E"})
COIL = "C"
FEWEST_TRAINING_CHAINS = 10
COORDINATE_STEPS_PER_ANGSTROM = 50


def table_chains(folder: Path, cache: CacheFolder = None) -> ChainStore:
    """Read the chains of ``structdb_core.npz.xz`` and their profiles, except those with a wrong name.

    Residues are numbered from the SEQRES number of the first, in chain ``A``'s id as the name of the chain has it.

    Args:
        folder: Folder of the bundled tables.
        cache: Folder of unpacked chains; None for the default one, False keeps nothing.

    Returns:
        The chains with their profiles.

    Raises:
        InputError: if a file is absent or damaged.
    """
    files = {name: folder / name for name in (CORE, PROFILES)}
    key = content_key({name: file_hash(path) for name, path in files.items()}, kind="bundled tables")
    return ChainCache(cache).make(
        key, lambda: _unpack(*(load_arrays(read_unpacked(path), path) for path in files.values()))
    )


def table_labels(
    folder: Path, ontology: str, chains: Collection[str]
) -> tuple[Annotations, Mapping[str, frozenset[str]]]:
    """Labels of those of the chains that have some, over all terms, and where the labels of each come from.

    Args:
        folder: Folder of the bundled tables.
        ontology: ``mf``, ``bp``, ``cc`` or ``ec``.
        chains: Names of the chains to label.

    Returns:
        Annotations of the chains that have a term, and the sources of the labels by chain (empty for ``ec``).
    """
    sources: Mapping[str, frozenset[str]] = {}
    if ontology == "ec":
        annotations = read_deepfri_annotations(folder / EC_LABELS)["ec"]
    else:
        rebuilt = read_rebuilt_labels(folder / LABELS, names=_mf_names(folder))
        annotations, sources = rebuilt.annotations[ontology], rebuilt.sources
    labelled = (c for c, terms in annotations.labels.items() if terms and c in chains)
    return annotations.with_chains(labelled), sources


def table_split(
    folder: Path,
    ontology: str,
    labelled: Collection[str],
    sources: Mapping[str, frozenset[str]],
    evaluate_source: str | None,
    extra_training: bool,
) -> dict[str, tuple[str, ...]]:
    """Labelled chains of the published lists.

    Args:
        folder: Of the tables.
        ontology: ``ec``, or of the Gene Ontology.
        labelled: Chains that there are.
        sources: Where the labels of each come from.
        evaluate_source: Validation and test chains must have labels from it; None for any.
        extra_training: Train on labelled chains that are in no list too, unless a chain of their cluster at 30 %
            identity is listed for validation or test.

    Returns:
        Names of the chains of ``train``, ``validation`` and ``test``; a chain that is listed for evaluation is not
        trained on.
    """
    pattern = LISTS["ec" if ontology == "ec" else "go"]
    listed = {part: read_chain_list(folder / pattern.format(word)) for part, word in NAMES_OF_LISTS.items()}
    split = {part: [c for c in chains if c in labelled] for part, chains in listed.items()}
    if evaluate_source is not None:
        for part in ("validation", "test"):
            split[part] = [c for c in split[part] if evaluate_source in sources.get(c, ())]
    held_out = {*listed["validation"], *listed["test"]}
    split["train"] = [c for c in split["train"] if c not in held_out]
    if extra_training:
        clusters = read_clusters(folder / CHAINS)
        near = {clusters[c] for c in held_out if c in clusters}
        known = {*listed["train"], *held_out}
        unlisted = [c for c in clusters if c in labelled and c not in known]
        split["train"] += [c for c in unlisted if clusters[c] not in near]
    return {part: tuple(chains) for part, chains in split.items()}


def table_bins(folder: Path, ontology: str) -> dict[str, frozenset[str]]:
    """Test chains by the sequence identity to the published training chains, from DeepFRI's list.

    Args:
        folder: Folder of the bundled tables.
        ontology: ``mf``, ``bp``, ``cc`` or ``ec``; the Gene Ontology has one list.

    Returns:
        Names of the test chains by bin of sequence identity.
    """
    return read_identity_bins(folder / BINS["ec" if ontology == "ec" else "go"])


def table_terms(
    folder: Path,
    ontology: str,
    annotations: Annotations,
    split: Mapping[str, Sequence[str]],
    minimum: int | None,
) -> list[str]:
    """Terms to predict: all of EC; DeepFRI's list as far as it occurs for mf; frequent ones for bp and cc.

    Args:
        folder: Of the tables.
        ontology: ``mf``, ``bp``, ``cc`` or ``ec``.
        annotations: Labels over all terms.
        split: Chains of each part.
        minimum: Take the terms with at least this many training chains instead.

    Returns:
        Identifiers of the terms, in the order of the columns.

    Raises:
        InputError: if no term is left.
    """
    if minimum is None and ontology == "ec":
        return list(annotations.terms)
    wanted, counted = list(annotations.terms), split["train"]
    least = FEWEST_TRAINING_CHAINS if minimum is None else minimum
    if minimum is None and ontology == "mf":
        wanted = list(_mf_names(folder))
        counted, least = [c for chains in split.values() for c in chains], 1
    counts = annotations.counts(counted)
    occurs = dict(zip(annotations.terms, counts.tolist(), strict=True))
    terms = [term for term in wanted if occurs.get(term, 0) >= least]
    if not terms:
        raise InputError(f"no term of {ontology} has {least} chains; the most frequent has {counts.max(initial=0)}")
    return terms


def _mf_names(folder: Path) -> dict[str, str]:
    """DeepFRI's terms of molecular functions, with their names."""
    return {go: name for _, (_, go, name) in table_rows(folder / MF_TERMS, "index\tgo_id\tname")}


def _unpack(core: Mapping[str, np.ndarray], profiles: Mapping[str, np.ndarray]) -> ChainStore:
    names, offsets = [str(c) for c in core["chain"]], core["offsets"]
    if not (np.array_equal(core["chain"], profiles["chain"]) and np.array_equal(offsets, profiles["offsets"])):
        raise InputError(f"{CORE} and {PROFILES} hold different chains; fetch both again")
    kept = np.array([name not in MISNAMED for name in names])
    lengths = np.diff(offsets)
    rows = np.repeat(kept, lengths)
    letters = core["seq"][rows]
    secondary = np.where(core["ss8"] == ord(COIL), ord("-"), core["ss8"])[rows]
    ids = [
        "\n".join(f"{name[5:]}:{number}" for number in range(start, start + length)).encode()
        for name, start, length, keep in zip(names, core["start_resnum"].tolist(), lengths.tolist(), kept, strict=True)
        if keep
    ]
    number = int(kept.sum())
    return ChainStore(
        names=tuple(name for name, keep in zip(names, kept, strict=True) if keep),
        secondary_sources=("given",) * number,
        offsets=np.cumsum([0, *lengths[kept]], dtype=np.int64),
        residue=_by_letter({a: i for i, a in enumerate(RESIDUE_ORDER)}, np.uint8)[letters],
        secondary=_by_letter({a: i for i, a in enumerate(SECONDARY_ORDER)}, np.uint8)[secondary],
        ca_angstrom=core["ca_x50"][rows] / np.float32(COORDINATE_STEPS_PER_ANGSTROM),
        accessibility=np.minimum(core["sasa"][rows] / _by_letter(LARGEST_AREA, np.float32)[letters], 1),
        profile=profiles["profile_u8"][rows],
        has_profile=np.ones(number, dtype=bool),
        plddt=np.empty(0, dtype=np.float32),
        has_plddt=np.zeros(number, dtype=bool),
        ids=np.frombuffer(b"".join(ids), dtype=np.uint8),
        id_offsets=np.cumsum([0, *map(len, ids)], dtype=np.int64),
    )


def _by_letter(values: Mapping[str, float], dtype: type) -> np.ndarray:
    return np.array([values.get(chr(code), 0) for code in range(128)], dtype=dtype)
