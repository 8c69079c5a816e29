"""A molecule: what the simulator needs to know before any quantum chemistry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdddft.errors import InputError, OpenShellError

SYMBOLS = (
    "X", "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl",
    "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br",
    "Kr", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",
    "Xe",
)  # fmt: skip
CLOSEST_APPROACH_ANGSTROM = 0.4


@dataclass(frozen=True, eq=False)
class Molecule:
    """A closed-shell molecule with fixed nuclei.

    Args:
        name: Identifier; becomes part of file names.
        numbers: Atomic numbers, int [N].
        positions_angstrom: Nuclear positions, float64 [N, 3], angstrom.
        charge: Total charge in units of e.
        source: Where the geometry came from, for example ``g2`` or a file name with the frame index.
        smiles: SMILES string if known.
        index: Position in its source, if it has one: frame of a file, number of QM9.

    Raises:
        InputError: for an empty molecule, mismatched shapes, unknown atomic numbers, non-finite or coinciding
            positions; OpenShellError for an odd number of electrons (only closed shells are propagated).
    """

    name: str
    numbers: np.ndarray
    positions_angstrom: np.ndarray
    charge: int = 0
    source: str = ""
    smiles: str | None = None
    index: int | None = None

    def __post_init__(self) -> None:
        numbers = np.asarray(self.numbers, dtype=np.int64)
        positions = np.asarray(self.positions_angstrom, dtype=np.float64)
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "positions_angstrom", positions)
        where = f"molecule {self.name!r} ({self.source or 'no source given'})"
        if numbers.ndim != 1 or len(numbers) == 0 or positions.shape != (len(numbers), 3):
            raise InputError(f"{where}: needs N atomic numbers and N x 3 positions with N >= 1")
        if numbers.min() < 1 or numbers.max() >= len(SYMBOLS):
            raise InputError(f"{where}: atomic numbers must lie between 1 and {len(SYMBOLS) - 1}")
        if not np.isfinite(positions).all():
            raise InputError(f"{where}: positions hold NaN or infinity; check the geometry file")
        if len(numbers) > 1:
            distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
            i, j = divmod(int(np.argmin(distances + np.diag([np.inf] * len(numbers)))), len(numbers))
            if distances[i, j] < CLOSEST_APPROACH_ANGSTROM:
                raise InputError(
                    f"{where}: atoms {i} and {j} are {distances[i, j]:.3f} angstrom apart; are the units angstrom?"
                )
        if (numbers.sum() - self.charge) % 2:
            raise OpenShellError(
                f"{where}: {numbers.sum() - self.charge} electrons is an odd number; only closed shells are "
                "propagated. Set the charge, or leave this molecule out"
            )

    @property
    def symbols(self) -> list[str]:
        """Element symbols, one an atom."""
        return [SYMBOLS[z] for z in self.numbers]

    @property
    def formula(self) -> str:
        """Hill formula, for example ``C3H4O2``."""
        symbols = self.symbols
        carbon = ["C", "H"] if "C" in symbols else []
        order = carbon + sorted(set(symbols) - set(carbon))
        counts = {s: symbols.count(s) for s in order}
        return "".join(f"{s}{n if n > 1 else ''}" for s, n in counts.items() if n)
