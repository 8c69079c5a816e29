"""A protein chain: what a graph of residues is built from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlearn.base.errors import InputError

PROFILE_ORDER = "ARNDCQEGHILKMFPSTWYV"
RESIDUE_ORDER = PROFILE_ORDER + "X"
SECONDARY_ORDER = "-HBEGITS"
SECONDARY_SOURCES = ("mdtraj", "mkdssp", "ca", "given")


@dataclass(frozen=True, eq=False)
class ProteinChain:
    """One chain of a protein, residue by residue.

    Args:
        name: Identifier, for example ``1ABC-A``.
        sequence: One letter per residue, L in all; ``X`` where the residue is none of the twenty.
        ca_angstrom: C-alpha positions, float32 [L, 3], angstrom.
        residue_ids: Chain, author's number and insertion code of each residue, for example ``A:27A``.
        secondary: DSSP's letter of each residue: ``HBEGITS``, and ``-`` for coil.
        secondary_source: Where they came from: ``mdtraj``, ``mkdssp``, ``ca`` (C-alpha positions alone) or ``given``.
        accessibility: Relative solvent accessibility, float32 [L], 0 to 1; NaN where it is not known.
        profile: Sequence profile, float32 [L, 20], columns in the order ``ARNDCQEGHILKMFPSTWYV``; or None.
        plddt: Confidence of a predicted structure, float32 [L], 0 to 100; None for an experimental one.

    Raises:
        InputError: for an empty chain, a length that is not L, an unknown letter, a position that is not finite or a
            residue that stands twice.
    """

    name: str
    sequence: str
    ca_angstrom: np.ndarray
    residue_ids: tuple[str, ...]
    secondary: str
    secondary_source: str
    accessibility: np.ndarray
    profile: np.ndarray | None = None
    plddt: np.ndarray | None = None

    def __post_init__(self) -> None:
        length, where = len(self.sequence), f"chain {self.name!r}"
        if length == 0:
            raise InputError(f"{where}: has no residue")
        object.__setattr__(self, "residue_ids", tuple(self.residue_ids))
        for key, columns in (("ca_angstrom", (3,)), ("accessibility", ()), ("profile", (20,)), ("plddt", ())):
            if getattr(self, key) is not None:
                array = np.asarray(getattr(self, key), dtype=np.float32)
                object.__setattr__(self, key, array)
                if array.shape != (length, *columns):
                    raise InputError(f"{where}: {key} has shape {array.shape}, but {(length, *columns)} is needed")
        for key in ("residue_ids", "secondary"):
            if len(getattr(self, key)) != length:
                raise InputError(f"{where}: {key} has {len(getattr(self, key))} entries for {length} residues")
        for key, order in (("sequence", RESIDUE_ORDER), ("secondary", SECONDARY_ORDER)):
            if unknown := sorted(set(getattr(self, key)) - set(order)):
                raise InputError(f"{where}: {key} holds {''.join(unknown)!r}, but only {order!r} are known")
        if self.secondary_source not in SECONDARY_SOURCES:
            raise InputError(
                f"{where}: secondary_source is {self.secondary_source!r}; choose from {', '.join(SECONDARY_SOURCES)}"
            )
        if len(broken := np.flatnonzero(~np.isfinite(self.ca_angstrom).all(1))):
            raise InputError(f"{where}: residue {self.residue_ids[broken[0]]} has no finite C-alpha position")
        if len(set(self.residue_ids)) < length:
            twice = next(r for i, r in enumerate(self.residue_ids) if r in self.residue_ids[:i])
            raise InputError(f"{where}: residue {twice} stands twice; give every residue a number of its own")

    def __len__(self) -> int:
        return len(self.sequence)


def letter_codes(letters: str, order: str) -> np.ndarray:
    """Place of each letter in ``order``, int64 [L]; letters that are not in it have none and must not occur.

    Args:
        letters: Sequence of L letters, ASCII.
        order: The alphabet, ASCII.

    Returns:
        Codes, int64 [L].
    """
    place = np.zeros(128, dtype=np.int64)
    place[np.frombuffer(order.encode(), dtype=np.uint8)] = np.arange(len(order))
    return place[np.frombuffer(letters.encode(), dtype=np.uint8)]
