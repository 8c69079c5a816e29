"""Terms of similar training chains beside those of the network: what a structure is like, and what it descends from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from graphlearn.base.errors import ContractError, InputError, first_line
from graphlearn.base.files import replace_bytes
from graphlearn.proteins.data.training_data import ProteinTrainingData
from graphlearn.proteins.sequence.search import DEFAULT_SEARCH, Hit, SearchProgram, SequenceSearch, check_search

HOMOLOGUES = "homologues.safetensors"


class SimilarChain(NamedTuple):
    """The training chain that is most similar to a sequence.

    Attributes:
        chain: Its name.
        identity: Equal residues over the columns of the alignment, 0 to 1.
        search: Program that found it.
    """

    chain: str
    identity: float
    search: SearchProgram


class Homologues:
    """Training chains whose terms are transferred to similar ones, as DeepGOPlus does beside its network.

    Args:
        sequences: Of the training chains by name, M of them.
        labels: Of these chains, bool [M, T].
        search: Program that finds similar sequences; kept with the model.

    Source: Kulmanov and Hoehndorf, DeepGOPlus, Bioinformatics 36, 422 (2020).
    """

    def __init__(
        self, sequences: Mapping[str, str], labels: np.ndarray, search: SearchProgram = DEFAULT_SEARCH
    ) -> None:
        self.sequences, self.labels, self.search = dict(sequences), labels, search
        self._found: dict[str, tuple[np.ndarray, SimilarChain | None]] = {}

    @classmethod
    def of(cls, data: ProteinTrainingData) -> Homologues:
        """The training chains of a data set."""
        return cls(data.sequences("train"), data.labels("train"), data.search)

    def transfer(self, queries: Mapping[str, str]) -> np.ndarray:
        """Scores of the terms by similarity alone, float64 [N, T]; zeros for a chain without a similar one."""
        self._search(queries)
        rows = [self._found[sequence][0] for sequence in queries.values()]
        return np.stack(rows) if rows else np.zeros((0, self.labels.shape[1]))

    def nearest(self, sequence: str) -> SimilarChain | None:
        """The training chain that is most similar to a sequence; None where no chain is similar."""
        self._search({"query": sequence})
        return self._found[sequence][1]

    @cached_property
    def _index(self) -> SequenceSearch:
        return SequenceSearch(self.sequences, method=self.search)

    def __getstate__(self) -> dict[str, Any]:
        """Another process builds the index of the search again if it needs it."""
        return {key: value for key, value in self.__dict__.items() if key != "_index"}

    def _search(self, queries: Mapping[str, str]) -> None:
        """Search for those that were not searched for before."""
        new = {name: sequence for name, sequence in queries.items() if sequence not in self._found}
        hits = self._index.hits(new)
        scores = best_hit_transfer(hits, list(new), list(self.sequences), self.labels)
        best = {hit.query: SimilarChain(hit.target, hit.identity, self.search) for hit in reversed(hits)}
        self._found.update({new[name]: (row, best.get(name)) for name, row in zip(new, scores, strict=True)})

    def save(self, folder: Path) -> None:
        """Write ``homologues.safetensors`` into a model folder."""
        row, column = np.nonzero(self.labels)
        arrays = {
            "names": _text(self.sequences), "sequences": _text(self.sequences.values()),
            "row": row.astype(np.int32), "column": column.astype(np.int32),
            "shape": np.array(self.labels.shape, dtype=np.int64),
        }  # fmt: skip
        replace_bytes(folder / HOMOLOGUES, save(arrays, {"search": self.search}))

    @classmethod
    def load(cls, folder: Path) -> Homologues | None:
        """Those of a model folder; None where it has none.

        Args:
            folder: Folder of the model.

        Returns:
            Training chains with their labels, or None.

        Raises:
            ContractError: if the file is damaged.
            InputError: if the program that finds similar sequences is not installed.
        """
        file = folder / HOMOLOGUES
        if not file.is_file():
            return None
        try:
            with safe_open(file, "np") as opened:
                search = (opened.metadata() or {}).get("search", DEFAULT_SEARCH)
                arrays = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 (it is no mapping)
            names, sequences = (arrays[key].tobytes().decode().split("\n") for key in ("names", "sequences"))
            labels = np.zeros(tuple(arrays["shape"]), dtype=bool)
            labels[arrays["row"], arrays["column"]] = True
            found = cls(dict(zip(names, sequences, strict=True)), labels, search)
        except (OSError, KeyError, ValueError, IndexError, MemoryError, SafetensorError) as error:
            raise ContractError(f"{file}: damaged ({first_line(error)}); copy or train the model again") from None
        check_search(search)
        return found


def _text(lines: Iterable[str]) -> np.ndarray:
    return np.frombuffer("\n".join(lines).encode(), dtype=np.uint8)


def term_frequency(labels: np.ndarray, proteins: int) -> np.ndarray:
    """CAFA's naive predictor: the fraction of training chains with each term, the same for every protein.

    Args:
        labels: Of the training chains, bool [M, T].
        proteins: How many to predict, N.

    Returns:
        Scores, float64 [N, T].

    Raises:
        InputError: if there is no training chain.
    """
    if not len(labels):
        raise InputError("there is no training chain to count terms on")
    return np.tile(labels.mean(0), (proteins, 1))


def best_hit_transfer(
    hits: Iterable[Hit], proteins: Sequence[str], training: Sequence[str], labels: np.ndarray
) -> np.ndarray:
    r"""Terms of similar training chains, :math:`s_{ij} = \max_{h} \mathrm{identity}(i, h)\,y_{hj}` over hits h of i.

    Args:
        hits: Of proteins among training chains (``search_sequences``); those of other chains are ignored.
        proteins: Names of the rows, N of them.
        training: Names of the rows of ``labels``, M of them.
        labels: Of the training chains, bool [M, T].

    Returns:
        Scores within 0 and 1, float64 [N, T]; zeros for a protein without a hit.

    Raises:
        InputError: if names and labels do not fit.
    """
    if len(training) != len(labels):
        raise InputError(f"{len(training)} training chains do not fit {len(labels)} rows of labels")
    rows = {name: row for row, name in enumerate(proteins)}
    sources = {name: row for row, name in enumerate(training)}
    scores = np.zeros((len(proteins), labels.shape[1]))
    for query, target, identity in hits:
        if query in rows and target in sources:
            row = scores[rows[query]]
            np.maximum(row, identity * labels[sources[target]], out=row)
    return scores
