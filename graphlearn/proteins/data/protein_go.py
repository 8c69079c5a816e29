"""Chains of proteins with their functions, as graphs."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset
from torch_geometric.data import Data

from graphlearn.base.errors import InputError
from graphlearn.proteins.data import tables
from graphlearn.proteins.data.folder import AnyPath, LabelOptions, match_labels, read_labels
from graphlearn.proteins.data.sites import SiteMask
from graphlearn.proteins.graph import contact_graph, with_embedding
from graphlearn.proteins.ontology.annotations import Annotations
from graphlearn.proteins.ontology.base import OntologyName
from graphlearn.proteins.structure.chain import ProteinChain
from graphlearn.proteins.structure.chain_cache import CacheFolder
from graphlearn.proteins.structure.chain_store import ChainStore
from graphlearn.proteins.structure.files import read_structures
from graphlearn.proteins.text import did_you_mean

Embed = Callable[[str], np.ndarray]


@dataclass(frozen=True, eq=False)
class GraphOptions:
    """How chains become graphs.

    Attributes:
        cutoff_angstrom: Of contacts of C-alpha atoms, angstrom.
        sites: Known site residues of chains.
        keep_edges: Keep the contacts of a chain once they are computed.
        profiles: Use sequence profiles where chains have them; without, chains are as a structure file gives them.
        embed: Gives residues further features from their sequence, for example
            :class:`graphlearn.proteins.sequence.embeddings.EsmEmbedder`.
    """

    cutoff_angstrom: float = 10.0
    sites: Mapping[str, SiteMask] | None = None
    keep_edges: bool = True
    profiles: bool = True
    embed: Embed | None = None


class ProteinGO(Dataset[Data]):
    """Protein chains as contact graphs with their terms.

    Further keywords are those of :class:`GraphOptions`: ``cutoff_angstrom``, ``sites``, ``keep_edges``, ``profiles``
    and ``embed``.

    Args:
        store: The chains.
        annotations: Terms of chains.
        split: Chains of ``train``, ``validation`` and ``test``; no chain is in two of them.
        chains: Which chains, in this order; those of the split by default.
        ontology: ``mf``, ``bp``, ``cc`` or ``ec``.
        available: All chains of the data set, those without a label too; ``chains`` by default.
        failures: Chains or files that are not here, and why.
        **options: Of :class:`GraphOptions`.

    Raises:
        InputError: if the split names a chain twice, or one that there is not, or a site mask has another length than
            its chain.
    """

    def __init__(
        self,
        store: ChainStore,
        annotations: Annotations,
        split: Mapping[str, Sequence[str]],
        *,
        chains: Iterable[str] | None = None,
        ontology: str = "mf",
        available: Iterable[str] | None = None,
        failures: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        listed = [c for part in split.values() for c in part]
        self.chains = tuple(listed if chains is None else chains)
        self.available = self.chains if available is None else tuple(available)
        self.store, self.ontology, self.failures = store, ontology, dict(failures or {})
        known = set(self.chains)
        self.split = {part: tuple(c for c in names if c in known) for part, names in split.items()}
        self.annotations = annotations.with_chains(self.chains)
        self.options = GraphOptions(**options)
        self._column = {term: i for i, term in enumerate(annotations.terms)}
        self._contacts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._check(listed)

    def _check(self, listed: Sequence[str]) -> None:
        for names, what in ((listed, "parts of the split"), (self.chains, "chains")):
            if twice := [chain for chain, count in Counter(names).items() if count > 1]:
                raise InputError(f"chain {twice[0]} stands twice among the {what}")
        for chain in (*self.chains, *listed):
            if chain not in self.store.index:
                raise InputError(f"there is no chain {chain!r}{did_you_mean(chain, self.store.index)}")
        lengths = self.store.lengths
        for chain, mask in (self.options.sites or {}).items():
            if chain in self.store.index and len(mask.site) != (length := lengths[self.store.index[chain]]):
                raise InputError(f"the site mask of {chain} has {len(mask.site)} residues, the chain {length}")

    @classmethod
    def from_tables(
        cls,
        folder: Path | str,
        ontology: OntologyName | None = "mf",
        *,
        shortest: int = 60,
        longest: int | None = None,
        minimum: int | None = None,
        evaluate_source: str | None = "GOA",
        extra_training: bool = False,
        cache: CacheFolder = None,
        **options: Any,
    ) -> ProteinGO:
        """Read the bundled tables: DeepFRI's published chains, labels and split.

        Args:
            folder: Of the tables; ``datasets/protein_ec/README.md`` and ``protein_go/README.md`` list them.
            ontology: Of the terms; None for all chains, without labels and split.
            shortest: Fewest residues of a chain.
            longest: Most residues of a chain; None for no bound.
            minimum: Training chains that a term must have; None for the published terms (``mf``, ``ec``), or 10.
            evaluate_source: Validation and test chains must have labels from it: ``GOA``, ``EC2GO``, or None for any;
                EC has one source.
            extra_training: Train on labelled chains that are in no list too, unless a chain of their cluster at 30 %
                identity is listed for validation or test.
            cache: Folder of unpacked chains, see :class:`graphlearn.proteins.structure.chain_cache.ChainCache`.
            **options: Of :class:`GraphOptions`.

        Returns:
            The data set: labelled chains of the lists, or all chains without labels where ``ontology`` is None.

        Raises:
            InputError: if a file is absent or damaged, or no term is left.
        """
        folder = Path(folder)
        store = tables.table_chains(folder, cache)
        fits = (store.lengths >= shortest) & (store.lengths <= (longest or np.inf))
        available = [name for name, fit in zip(store.names, fits, strict=True) if fit]
        if ontology is None:
            return cls(store, Annotations((), {}, {}), {}, available=available, **options).unlabelled()
        annotations, sources = tables.table_labels(folder, ontology, frozenset(available))
        split = tables.table_split(
            folder, ontology, annotations.labels, sources, evaluate_source if ontology != "ec" else None, extra_training
        )
        terms = tables.table_terms(folder, ontology, annotations, split, minimum)
        return cls(store, annotations.with_terms(terms), split, ontology=ontology, available=available, **options)

    @classmethod
    def from_folder(
        cls,
        structures: AnyPath | Sequence[AnyPath],
        labels: AnyPath,
        ontology: OntologyName = "mf",
        *,
        secondary: Literal["auto", "mdtraj", "mkdssp", "ca"] = "auto",
        cache: CacheFolder = None,
        **options: Any,
    ) -> ProteinGO:
        """Read structure files with terms from a table, or from DeepFRI's annotation and list files.

        What does not fit together, a bad file, a labelled chain without a structure, is left out and named in
        ``failures``.

        Args:
            structures: Folder of PDB and mmCIF files, or files and folders.
            labels: Table with one line per chain and its terms, ``1ABC-A<TAB>GO:0003824,GO:0016787``, or an annotation
                file of DeepFRI, ``nrPDB-GO_..._annot.tsv``. A chain goes by its name or, where its file has no other
                chain, by that of the file.
            ontology: Of the terms.
            secondary: See :func:`graphlearn.proteins.read_structure`.
            cache: Folder of chains that were read before, by the hash of their file.
            **options: Of :class:`graphlearn.proteins.data.folder.LabelOptions` (``lists``, ``shares``, ``search``,
                ``ontology_file``, ``minimum``) and of :class:`GraphOptions`.

        Returns:
            The data set of the labelled chains that have a structure.

        Raises:
            InputError: if a table is malformed, a term unknown or nothing is left; names what and where.
        """
        of_labels = {f.name: options.pop(f.name) for f in fields(LabelOptions) if f.name in options}
        annotations = read_labels(labels, ontology)
        paths = [structures] if isinstance(structures, str | os.PathLike) else structures
        read = read_structures(paths, secondary=secondary, cache=cache)
        own = match_labels(annotations, read, ontology, LabelOptions(**of_labels))
        return cls(read.store, own.annotations, own.split, ontology=ontology, failures=own.failures, **options)

    @property
    def terms(self) -> tuple[str, ...]:
        """Terms in the order of the columns of ``y``."""
        return self.annotations.terms

    @property
    def sequences(self) -> dict[str, str]:
        """Sequence of each chain."""
        return {chain: self.store.sequence(chain) for chain in self.chains}

    @property
    def lengths(self) -> dict[str, int]:
        """Residues of each chain."""
        lengths = self.store.lengths
        return {chain: int(lengths[self.store.index[chain]]) for chain in self.chains}

    def select(self, chains: Iterable[str]) -> ProteinGO:
        """These chains, in this order; nothing is copied."""
        return self._view(chains=chains)

    def with_sites(self, sites: Mapping[str, SiteMask] | None) -> ProteinGO:
        """The same chains with other sites; nothing is copied."""
        return self._view(sites=sites)

    def unlabelled(self) -> ProteinGO:
        """All chains of the data set without terms and split, for sites and structures; nothing is copied."""
        labels = Annotations((), {}, dict.fromkeys(self.available, frozenset[str]()))
        return self._view(annotations=labels, split={}, chains=self.available)

    def _view(self, **changes: Any) -> ProteinGO:
        keep = ("store", "annotations", "split", "chains", "ontology", "available", "failures")
        view = ProteinGO(**{**{key: getattr(self, key) for key in keep}, **vars(self.options), **changes})
        view._contacts = self._contacts
        return view

    def chain(self, name: str) -> ProteinChain:
        """A chain by its name."""
        chain = self.store[name]
        return chain if self.options.profiles else dataclasses.replace(chain, profile=None)

    def graph(self, chain: str) -> Data:
        """Graph of a chain, see :func:`graphlearn.proteins.contact_graph`, with ``y`` float32 [1, T]."""
        protein = self.chain(chain)
        graph = contact_graph(protein, self.options.cutoff_angstrom, edge_index=self._kept(chain))
        if self.options.keep_edges and chain not in self._contacts:
            source, target = graph.edge_index.numpy().astype(np.int32)
            self._contacts[chain] = source, np.bincount(target, minlength=len(protein)).astype(np.int32)
        if self.options.embed is not None:
            graph = with_embedding(graph, self.options.embed(protein.sequence))
        graph.y = torch.zeros(1, len(self.terms))
        graph.y[0, [self._column[t] for t in self.annotations.labels[chain]]] = 1
        if self.options.sites is not None:
            site, known = self.options.sites.get(chain) or (np.zeros(len(protein), dtype=bool),) * 2
            graph.site, graph.site_known = torch.from_numpy(site.copy()), torch.from_numpy(known.copy())
        return graph

    def _kept(self, chain: str) -> np.ndarray | None:
        if chain not in self._contacts:
            return None
        source, degree = self._contacts[chain]
        return np.stack([source.astype(np.int64), np.repeat(np.arange(len(degree)), degree)])

    def __len__(self) -> int:
        return len(self.chains)

    def __getitem__(self, index: int) -> Data:
        return self.graph(self.chains[index])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_contacts": {}}
