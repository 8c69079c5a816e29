"""Everything that a recipe names, read: chains with labels and sites, relations of the terms, and the split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from graphlearn.base.errors import InputError
from graphlearn.base.files import replace_csv
from graphlearn.nn.losses.true_path import propagate_to_ancestors
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.data.site_split import SiteSplit, objectness_masks, read_sites, split_sites
from graphlearn.proteins.data.tables import table_bins
from graphlearn.proteins.ontology.base import Ontology
from graphlearn.proteins.ontology.enzyme_commission import EnzymeCommission
from graphlearn.proteins.ontology.gene_ontology import GeneOntology
from graphlearn.proteins.recipe import ProteinData, ProteinRecipe
from graphlearn.proteins.sequence.embeddings import EsmEmbedder
from graphlearn.proteins.sequence.search import DEFAULT_SEARCH, SearchProgram, check_search

GO_FILE = "go_20190127.obo.xz"


@dataclass(frozen=True, eq=False)
class ProteinTrainingData:
    """What a training works on.

    Attributes:
        data: Chains with labels; those of ``sites.train`` carry what their anchors should say.
        site_data: All chains with sites, for the pre-training of the proposal; None without sites.
        sites: Their split; empty without sites.
        parent_edges: Child and each of its ancestors among the terms, ``[2, M]``.
        bins: Test chains by their similarity to the training chains, where the lists have it.
        search: Program that finds similar sequences.
    """

    data: ProteinGO
    site_data: ProteinGO | None
    sites: SiteSplit
    parent_edges: Tensor
    bins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    search: SearchProgram = DEFAULT_SEARCH

    def labels(self, part: str) -> np.ndarray:
        """Labels of a part of the split, bool [M, T]."""
        return self.data.annotations.targets(self.data.split[part])

    def sequences(self, part: str) -> dict[str, str]:
        """Sequence of each chain of a part of the split."""
        return {chain: self.data.store.sequence(chain) for chain in self.data.split[part]}

    @property
    def ancestors(self) -> csr_array:
        """Which terms are above which, each above itself, bool [T, T]."""
        every = np.arange(len(self.data.terms))
        pairs = np.concatenate([self.parent_edges.numpy(), [every, every]], axis=1)
        return csr_array((np.ones(pairs.shape[1], dtype=bool), tuple(pairs)), shape=(len(every),) * 2)

    def closed(self, scores: np.ndarray) -> np.ndarray:
        """Scores [N, T] with every ancestor at least as likely as its descendants."""
        return np.asarray(propagate_to_ancestors(torch.from_numpy(scores), self.parent_edges).numpy())

    @cached_property
    def fingerprint(self) -> str:
        """Short hash of chains, terms, labels, split and sites."""
        content = [self.data.sequences, self.data.terms, self.data.split, self.sites]
        digest = hashlib.sha256(json.dumps(content).encode())
        for part in self.data.split:
            digest.update(np.packbits(self.labels(part)).tobytes())
        return digest.hexdigest()[:16]

    @property
    def held_out_chains(self) -> frozenset[str]:
        """Chains on which terms are evaluated; sites of chains similar to them are not trained on."""
        return frozenset(self.data.split["validation"]) | frozenset(self.data.split.get("test", ()))


def load_training_data(recipe: ProteinRecipe) -> ProteinTrainingData:
    """Read what a recipe names, once.

    Args:
        recipe: Its sections ``data`` and ``sites`` say what is read.

    Returns:
        Chains with their terms, relations of the terms, bins of test chains, and sites where the recipe has them.

    Raises:
        InputError: if something is missing or does not fit.
    """
    check_search(recipe.data.search)
    data = load_data(recipe.data)
    for part in ("train", "validation"):
        if not data.split.get(part):
            raise InputError(f"no chain for {part}; name some in the lists or choose a share for it")
    relation = find_ontology(recipe.data).matrix(data.terms, strict=False).tocoo()
    pairs = np.stack([relation.row, relation.col]).astype(np.int64)
    parents = torch.from_numpy(pairs[:, pairs[0] != pairs[1]])
    bins = table_bins(recipe.data.folder, recipe.data.ontology) if recipe.data.kind == "tables" else {}
    terms = ProteinTrainingData(data, None, SiteSplit((), (), ()), parents, bins, recipe.data.search)
    return _with_sites(terms, recipe) if recipe.sites.sources else terms


def load_data(settings: ProteinData) -> ProteinGO:
    """The data set that a recipe names.

    Args:
        settings: Section ``data`` of a recipe.

    Returns:
        The chains with their terms and split.

    Raises:
        InputError: if something is missing or does not fit.
    """
    options = {"ontology": settings.ontology, "cutoff_angstrom": settings.cutoff_angstrom, **settings.options}
    if settings.esm is not None:
        options["embed"] = EsmEmbedder(settings.esm)
    try:
        if settings.kind == "folder":
            return ProteinGO.from_folder(**{"search": settings.search, **options})
        if not settings.folder.is_dir():
            raise InputError(
                f"{settings.folder}: there is no such folder of protein tables; set GRAPHLEARN_DATA to the folder "
                "above it, or name it with --data"
            )
        return ProteinGO.from_tables(settings.folder, **options)
    except TypeError as error:
        raise InputError(f"recipe, data.options: {error}") from None


def find_ontology(settings: ProteinData) -> Ontology:
    """The ontology of the labels; for terms of the Gene Ontology the release that the recipe names or the tables have.

    Args:
        settings: Section ``data`` of a recipe.

    Returns:
        Enzyme Commission numbers, or a release of the Gene Ontology.

    Raises:
        InputError: if there is none.
    """
    if settings.ontology == "ec":
        return EnzymeCommission()
    file = Path(settings.options.get("ontology_file") or settings.folder / GO_FILE)
    if not file.is_file():
        raise InputError(
            f"{file}: no release of the Gene Ontology; name one with --set data.options.ontology_file=FILE"
        )
    return GeneOntology.read(file)


def _with_sites(terms: ProteinTrainingData, recipe: ProteinRecipe) -> ProteinTrainingData:
    """The same chains with the targets of their anchors, and all chains with sites beside them."""
    folder, every = recipe.data.folder, terms.data.unlabelled()
    available = frozenset(every.chains)
    lengths = dict(zip(every.store.names, every.store.lengths.tolist(), strict=True))
    sites = {c: masks for c, masks in read_sites(folder, recipe.sites.sources, lengths).items() if c in available}
    split = split_sites(folder, sites, terms.held_out_chains, recipe.sites)
    masks = objectness_masks(every, sites, recipe.hops, recipe.sites.coverage)
    taught = {chain: masks[chain] for chain in split.train}
    return replace(
        terms, data=terms.data.with_sites(taught), site_data=every.with_sites(masks).select(sites), sites=split
    )


LEFT_OUT = "left_out.csv"
SHOWN = 5


def write_left_out(failures: Mapping[str, str], folder: Path) -> Path | None:
    """Write ``left_out.csv``, one row per file, chain or term with the reason.

    Args:
        failures: Reasons by name, as ``ProteinGO.failures``.
        folder: Of the model; made if it is not there.

    Returns:
        The path; None where nothing was left out, and then no file of an earlier run stays.
    """
    path = folder / LEFT_OUT
    if not failures:
        path.unlink(missing_ok=True)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return replace_csv(path, ("name", "reason"), sorted(failures.items()))


def left_out_lines(failures: Mapping[str, str]) -> list[str]:
    """The first five, one per line, and how many more there are."""
    lines = [f"left out: {name}: {reason}" for name, reason in sorted(failures.items())[:SHOWN]]
    return [*lines, f"left out: {len(failures) - SHOWN} more"] if len(failures) > SHOWN else lines
