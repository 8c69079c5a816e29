"""Many chains in a few flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.structure.chain import RESIDUE_ORDER, SECONDARY_ORDER, ProteinChain, letter_codes

PROFILE_STEPS = 255
_RESIDUES = np.frombuffer(RESIDUE_ORDER.encode(), dtype=np.uint8)
_SECONDARY = np.frombuffer(SECONDARY_ORDER.encode(), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class ChainStore:
    """C chains with N residues together; a chain is the slice between two offsets.

    Args:
        names: Of the chains.
        secondary_sources: Of each chain, as in :class:`ProteinChain`.
        offsets: Residues before each chain, int64 [C + 1].
        residue: Index in ``ARNDCQEGHILKMFPSTWYVX``, uint8 [N].
        secondary: Index in ``-HBEGITS``, uint8 [N].
        ca_angstrom: C-alpha positions, float32 [N, 3], angstrom.
        accessibility: Relative accessibility, float32 [N]; NaN where it is not known.
        profile: Sequence profile in steps of 1/255, uint8 [N, 20]; [0, 20] if no chain has one.
        has_profile: bool [C].
        plddt: Confidence, float32 [N]; [0] if no chain has one.
        has_plddt: bool [C].
        ids: Residue ids as text, one per line, uint8 [M].
        id_offsets: Bytes of ``ids`` before each chain, int64 [C + 1].

    Raises:
        InputError: if a name stands twice.
    """

    names: tuple[str, ...]
    secondary_sources: tuple[str, ...]
    offsets: np.ndarray
    residue: np.ndarray
    secondary: np.ndarray
    ca_angstrom: np.ndarray
    accessibility: np.ndarray
    profile: np.ndarray
    has_profile: np.ndarray
    plddt: np.ndarray
    has_plddt: np.ndarray
    ids: np.ndarray
    id_offsets: np.ndarray

    def __post_init__(self) -> None:
        if len(self.index) < len(self.names):
            twice = next(n for i, n in enumerate(self.names) if self.index[n] != i)
            raise InputError(f"there are two chains {twice}; rename one of their files")

    @classmethod
    def of(cls, chains: Iterable[ProteinChain]) -> ChainStore:
        """Pack chains; profiles are rounded to steps of 1/255."""
        chains = list(chains)
        has_profile = np.array([c.profile is not None for c in chains], dtype=bool)
        has_plddt = np.array([c.plddt is not None for c in chains], dtype=bool)
        profiles = [np.zeros((len(c), 20)) if c.profile is None else np.rint(c.profile * PROFILE_STEPS) for c in chains]
        plddt = [np.full(len(c), np.nan) if c.plddt is None else c.plddt for c in chains]
        ids = [np.frombuffer("\n".join(c.residue_ids).encode(), dtype=np.uint8) for c in chains]
        return cls(
            names=tuple(c.name for c in chains),
            secondary_sources=tuple(c.secondary_source for c in chains),
            offsets=_offsets(chains),
            residue=_joined([letter_codes(c.sequence, RESIDUE_ORDER) for c in chains], np.uint8),
            secondary=_joined([letter_codes(c.secondary, SECONDARY_ORDER) for c in chains], np.uint8),
            ca_angstrom=_joined([c.ca_angstrom for c in chains], np.float32, 3),
            accessibility=_joined([c.accessibility for c in chains], np.float32),
            profile=_joined(profiles if has_profile.any() else [], np.uint8, 20),
            has_profile=has_profile,
            plddt=_joined(plddt if has_plddt.any() else [], np.float32),
            has_plddt=has_plddt,
            ids=_joined(ids, np.uint8),
            id_offsets=_offsets(ids),
        )

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Place of each chain by its name."""
        return {name: i for i, name in enumerate(self.names)}

    @property
    def lengths(self) -> np.ndarray:
        """Residues of each chain, int64 [C]."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} chains, {self.offsets[-1]} residues)"

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), np.ndarray)}

    def sequence(self, name: str) -> str:
        """Sequence of a chain, one letter per residue."""
        return _RESIDUES[self.residue[self._rows(name)]].tobytes().decode()

    def __getitem__(self, name: str) -> ProteinChain:
        """A chain by its name."""
        rows, i = self._rows(name), self.index[name]
        return ProteinChain(
            name=name,
            sequence=self.sequence(name),
            ca_angstrom=self.ca_angstrom[rows],
            residue_ids=tuple(self.ids[self.id_offsets[i] : self.id_offsets[i + 1]].tobytes().decode().split("\n")),
            secondary=_SECONDARY[self.secondary[rows]].tobytes().decode(),
            secondary_source=self.secondary_sources[i],
            accessibility=self.accessibility[rows],
            profile=self.profile[rows] / np.float32(PROFILE_STEPS) if self.has_profile[i] else None,
            plddt=self.plddt[rows] if self.has_plddt[i] else None,
        )

    def _rows(self, name: str) -> slice:
        i = self.index[name]
        return slice(self.offsets[i], self.offsets[i + 1])


def _offsets(parts: Sequence[Any]) -> np.ndarray:
    return np.cumsum([0, *map(len, parts)], dtype=np.int64)


def _joined(parts: Sequence[np.ndarray], dtype: Any, *columns: int) -> np.ndarray:
    return np.concatenate([np.empty((0, *columns), dtype=dtype), *parts], dtype=dtype, casting="unsafe")
