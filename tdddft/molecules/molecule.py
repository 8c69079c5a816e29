"""A molecule: what the simulator needs to know before any quantum chemistry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from graphlearn.base.errors import InputError, OpenShellError
from graphlearn.base.limits import check_atoms

SYMBOLS = (
    "X", "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl",
    "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br",
    "Kr", "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",
    "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf",
    "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn",
)  # fmt: skip
CLOSEST_APPROACH_ANGSTROM = 0.4


@dataclass(frozen=True, eq=False)
class Molecule:
    """A molecule with fixed nuclei.

    Args:
        name: Identifier; becomes part of file names.
        numbers: Atomic numbers, int [N].
        positions_angstrom: Nuclear positions, float64 [N, 3], angstrom.
        charge: Total charge in units of e, a whole number.
        source: Where the geometry came from, for example ``g2`` or a file name with the frame index.
        smiles: SMILES string if known.
        index: Position in its source, if it has one: frame of a file, number of QM9.
        charge_from: How the charge is known: the words of the file, ``not stated``, ``given``.
        multiplicity: 1 + number of unpaired electrons: 1 for a closed shell, 2 for a radical, 3 for a triplet.
        ghosts: Which atoms are ghosts: basis functions of the element without nucleus and electrons.

    Raises:
        InputError: for an empty or too large molecule, mismatched shapes, atomic numbers, a charge or a multiplicity
            that are not whole, unknown elements, positions that are not real, finite and apart, no electrons, a
            multiplicity that the electrons cannot have; OpenShellError for an odd number of electrons of which the
            multiplicity is not given.
    """

    name: str
    numbers: np.ndarray
    positions_angstrom: np.ndarray
    charge: int = 0
    source: str = ""
    smiles: str | None = None
    index: int | None = None
    charge_from: str = ""
    multiplicity: int = 1
    ghosts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        where = f"molecule {self.name!r} ({self.source or 'no source given'})"
        numbers = _whole(self.numbers, f"{where}: atomic numbers")
        charge = int(_whole(self.charge, f"{where}: the charge", ndim=0))
        positions = _real(self.positions_angstrom, f"{where}: positions")
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "positions_angstrom", positions)
        object.__setattr__(self, "charge", charge)
        multiplicity = int(_whole(self.multiplicity, f"{where}: the multiplicity", ndim=0))
        object.__setattr__(self, "multiplicity", multiplicity)
        if numbers.ndim != 1 or len(numbers) == 0 or positions.shape != (len(numbers), 3):
            raise InputError(f"{where}: needs N atomic numbers and N x 3 positions with N >= 1")
        check_atoms(len(numbers), where)
        if numbers.min() < 1 or numbers.max() >= len(SYMBOLS):
            raise InputError(f"{where}: atomic numbers must lie between 1 and {len(SYMBOLS) - 1}")
        if not np.isfinite(positions).all():
            raise InputError(f"{where}: positions hold NaN or infinity; check the geometry file")
        ghosts = tuple(sorted(_whole(self.ghosts, f"{where}: ghost atoms").tolist())) if self.ghosts else ()
        object.__setattr__(self, "ghosts", ghosts)
        if len(set(ghosts)) < len(ghosts) or (ghosts and not 0 <= ghosts[0] <= ghosts[-1] < len(numbers)):
            raise InputError(f"{where}: ghost atoms {list(ghosts)[:20]} are not different ones of {len(numbers)} atoms")
        if len(numbers) > 1:
            found = cKDTree(positions).query(positions, k=2)  # each atom itself, and the one next to it
            distances, nearest = (np.asarray(array) for array in found)
            i = int(distances[:, 1].argmin())
            if distances[i, 1] < CLOSEST_APPROACH_ANGSTROM:
                i, j = sorted({i, *nearest[i].tolist()})[:2]
                raise InputError(
                    f"{where}: atoms {i} and {j} are {np.linalg.norm(positions[i] - positions[j]):.3f} angstrom apart; "
                    "are the units angstrom?"
                )
        electrons = int(np.delete(numbers, list(ghosts) or slice(0)).sum()) - charge
        if electrons < 1:
            raise InputError(f"{where}: the charge {charge} leaves {electrons} electrons; give the right charge")
        if electrons % 2 and multiplicity == 1:
            raise OpenShellError(
                f"{where}: {electrons} electrons is an odd number. Give the charge of an ion (--charge, or charge=1 in "
                "the comment line of a file) or the multiplicity of a radical (--multiplicity 2, multiplicity=2)"
            )
        if not 1 <= multiplicity <= electrons + 1 or (electrons + multiplicity) % 2 == 0:
            raise InputError(
                f"{where}: {electrons} electrons cannot have the multiplicity {multiplicity} (1 + number of unpaired "
                "electrons)"
            )

    @property
    def symbols(self) -> list[str]:
        """Element symbols, one per atom."""
        return [SYMBOLS[z] for z in self.numbers]

    @property
    def labels(self) -> list[str]:
        """Element symbols as PySCF takes them: with ``ghost-`` in front for ghosts."""
        return [f"ghost-{s}" if i in self.ghosts else s for i, s in enumerate(self.symbols)]

    @property
    def formula(self) -> str:
        """Hill formula of the atoms that are no ghosts, for example ``C3H4O2``."""
        symbols = [s for i, s in enumerate(self.symbols) if i not in self.ghosts]
        carbon = ["C", "H"] if "C" in symbols else []
        order = carbon + sorted(set(symbols) - set(carbon))
        counts = {s: symbols.count(s) for s in order}
        return "".join(f"{s}{n if n > 1 else ''}" for s, n in counts.items() if n)


def _whole(values: object, what: str, ndim: int = 1) -> np.ndarray:
    array = _array(values, what)
    exact = array.dtype.kind in "iu" or (
        array.dtype.kind == "f" and bool((np.abs(array) < 2**53).all()) and bool((array == np.rint(array)).all())
    )
    if not exact or (ndim == 0 and array.ndim):
        raise InputError(f"{what} must be whole, not {str(values)[:60]}")
    return array.astype(np.int64)


def _real(values: object, what: str) -> np.ndarray:
    array = _array(values, what)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{what} must be real numbers, not {array.dtype}")
    return array.astype(np.float64)


def _array(values: object, what: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(f"{what}: no array of numbers ({error})") from None
