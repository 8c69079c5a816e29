"""A trajectory in memory: its arrays, each declared once with its place in the file, and its metadata.

Shapes: N atoms, A atomic orbitals, S occupied orbitals, F stored frames, T field samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field as declared, fields, replace
from typing import Any, Protocol

import numpy as np

from graphlearn.base.errors import OpenShellError
from graphlearn.base.hdf5 import Kind
from tdddft.molecules.molecule import SYMBOLS
from tdddft.trajectory.last_state import LastState
from tdddft.trajectory.metadata import FieldInfo, GroundStateInfo, MethodInfo, MoleculeInfo, Provenance

SMALLEST_OVERLAP = 1e-6  # eigenvalue of S below which PySCF drops a combination of basis functions
KINDS = ("simulated", "predicted")


@dataclass(frozen=True)
class StoredArray:
    """Where and how an array is stored.

    Args:
        path: Path inside the file.
        kind: Kind of its numbers.
        shape: Lengths, or letters: N atoms, A atomic orbitals, S occupied orbitals, F frames, T field samples.
        unit: Unit, empty for none.
        meaning: What it is.
        only: Which files alone hold it; empty for all.
    """

    path: str
    kind: Kind
    shape: tuple[str | int, ...]
    unit: str
    meaning: str
    only: str = ""


def _at(
    path: str, kind: Kind, shape: tuple[str | int, ...], unit: str, meaning: str, *, only: str = ""
) -> dict[str, StoredArray]:
    return {"stored": StoredArray(path, kind, shape, unit, meaning, only)}


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A real-time trajectory in memory; each array as it is stored in the file.

    Type, shape, unit and meaning of each array stand at its declaration, in :data:`ARRAYS` and in docs/contracts.md.

    Args:
        ground_state: How the ground state converged, its energy, and the dipole of the nuclei.
        molecule: Name, charge and source of the molecule.
        method: Level of theory as the file names it.
        field: Parameters of the external field.
        provenance: What made the trajectory.
        kind: ``simulated`` or ``predicted``.
        last_state: What a longer run goes on from, where it is kept; not read from a file with the rest, see
            :func:`tdddft.lengthen`.
    """

    numbers: np.ndarray = declared(metadata=_at("molecule/numbers", "integer", ("N",), "", "atomic numbers"))
    positions_angstrom: np.ndarray = declared(
        metadata=_at("molecule/positions_angstrom", "real", ("N", 3), "angstrom", "positions of the nuclei")
    )
    ao_table: np.ndarray = declared(
        metadata=_at("basis/ao_table", "integer", ("A", 4), "", "atom, l, radial index and m of each atomic orbital")
    )
    overlap: np.ndarray = declared(metadata=_at("ground_state/overlap", "real", ("A", "A"), "", "overlap matrix S"))
    dipole_ao_au: np.ndarray = declared(
        metadata=_at("ground_state/dipole_ao_au", "real", (3, "A", "A"), "bohr", "position matrices, from the origin")
    )
    origin_au: np.ndarray = declared(
        metadata=_at("ground_state/origin_au", "real", (3,), "bohr", "origin of dipoles and of the length gauge")
    )
    fock_hartree: np.ndarray = declared(
        metadata=_at("ground_state/fock_hartree", "real", ("A", "A"), "hartree", "ground-state Fock matrix")
    )
    coefficients: np.ndarray = declared(
        metadata=_at("ground_state/coefficients", "real", ("S", "A"), "", "occupied orbitals C(0) of the ground state")
    )
    energies_hartree: np.ndarray = declared(
        metadata=_at("ground_state/energies_hartree", "real", ("S",), "hartree", "their orbital energies")
    )
    occupations: np.ndarray = declared(
        metadata=_at("ground_state/occupations", "real", ("S",), "", "electrons per orbital")
    )
    field_times_fs: np.ndarray = declared(
        metadata=_at("field/times_fs", "real", ("T",), "fs", "times of the field samples")
    )
    field_au: np.ndarray = declared(
        metadata=_at("field/field_au", "real", ("T", 3), "hartree/(e bohr)", "samples of the electric field")
    )
    field_impulse_au: np.ndarray = declared(
        metadata=_at(
            "field/impulse_au", "real", (3,), "hbar/(e bohr)", "impulse of a delta kick at t = 0; zero without one"
        )
    )
    times_fs: np.ndarray = declared(metadata=_at("frames/times_fs", "real", ("F",), "fs", "times of the frames"))
    frame_coefficients: np.ndarray = declared(
        metadata=_at("frames/coefficients", "complex", ("F", "S", "A"), "", "occupied orbitals C(t)")
    )
    dipole_au: np.ndarray = declared(
        metadata=_at(
            "frames/dipole_au", "real", ("F", 3), "e bohr", "dipole of electrons and nuclei relative to the origin"
        )
    )
    energy_hartree: np.ndarray = declared(
        metadata=_at(
            "frames/energy_hartree", "real", ("F",), "hartree",
            "energy without the field term; NaN where a prediction has none",
        )
    )  # fmt: skip
    norm_error: np.ndarray = declared(
        metadata=_at("frames/norm_error", "real", ("F",), "", "largest deviation of C S C^dagger from the unit matrix")
    )
    ground_state: GroundStateInfo
    spins: np.ndarray | None = declared(
        default=None,
        metadata=_at(
            "ground_state/spins", "integer", ("S",), "", "1 for alpha orbitals, -1 for beta; open shells only",
            only="open shells",
        ),
    )  # fmt: skip
    fock_beta_hartree: np.ndarray | None = declared(
        default=None,
        metadata=_at(
            "ground_state/fock_beta_hartree", "real", ("A", "A"), "hartree",
            "Fock matrix of beta electrons, beside that of alpha; open shells only", only="open shells",
        ),
    )  # fmt: skip
    ionised_charge: np.ndarray | None = declared(
        default=None,
        metadata=_at(
            "frames/ionised_charge_e", "real", ("F",), "e", "charge that an absorber left; runs with an absorber only",
            only="absorber",
        ),
    )  # fmt: skip
    molecule: MoleculeInfo = declared(default_factory=MoleculeInfo)
    method: MethodInfo = declared(default_factory=MethodInfo)
    field: FieldInfo = declared(default_factory=FieldInfo)
    provenance: Provenance = declared(default_factory=Provenance)
    kind: str = "simulated"
    last_state: LastState | None = None

    @property
    def name(self) -> str:
        """The molecule's name."""
        return self.molecule.name

    @property
    def atom_labels(self) -> list[str]:
        """Element and number of each atom, ``O0``; ``ghost-O0`` for a ghost."""
        marks = ["ghost-" if i in self.molecule.ghosts else "" for i in range(len(self.numbers))]
        return [f"{mark}{SYMBOLS[z]}{i}" for i, (mark, z) in enumerate(zip(marks, self.numbers, strict=True))]

    @property
    def nuclear_dipole_au(self) -> np.ndarray:
        """Dipole of the nuclei (of the ions, with a pseudopotential) relative to the origin, float64 [3]."""
        return np.asarray(self.ground_state.nuclear_dipole_au)

    @property
    def open_shell(self) -> bool:
        """Whether alpha and beta electrons have orbitals of their own."""
        return self.spins is not None

    @property
    def channels(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Mask of the orbitals bool [S] and Fock matrix [A, A]: of a closed shell, or of alpha and of beta."""
        if self.spins is None or self.fock_beta_hartree is None:
            return ((np.ones(len(self.occupations), dtype=bool), self.fock_hartree),)
        return ((self.spins > 0, self.fock_hartree), (self.spins < 0, self.fock_beta_hartree))

    def refuse_open_shell(self, what: str) -> None:
        """OpenShellError if alpha and beta electrons have orbitals of their own, which ``what`` is not made for."""
        if self.open_shell:
            raise OpenShellError(f"{self.name}: an open shell, and {what} is for closed shells alone")

    def field_at_midpoints(self) -> tuple[np.ndarray, np.ndarray]:
        """Times in fs [T - 1] and field [T - 1, 3] in the middle of each step, where the propagation takes it.

        Without stored parameters of the field, the mean of neighbouring samples stands for the middle.
        """
        middle = 0.5 * (self.field_times_fs[1:] + self.field_times_fs[:-1])
        if self.field.source is not None:
            return middle, self.field.source.at(middle)
        return middle, 0.5 * (self.field_au[1:] + self.field_au[:-1])

    def field_quadrature(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times [Q] and weights [Q] in fs, and the field [Q, 3], to integrate it: two Gauss points between samples.

        With stored parameters no jump lies inside an interval; without, the mean of neighbouring samples is taken.
        """
        source = self.field.source
        if source is None:
            middle, values = self.field_at_midpoints()
            return middle, np.diff(self.field_times_fs), values
        low, high = self.field_times_fs[[0, -1]]
        marks = [mark for mark in source.breaks_fs if low < mark < high]
        edges = np.unique(np.concatenate([self.field_times_fs, marks]))
        half = 0.5 * np.diff(edges)
        middle = edges[:-1] + half
        times = np.stack([middle - half / np.sqrt(3), middle + half / np.sqrt(3)], axis=1).ravel()
        return times, np.repeat(half, 2), source.at(times)

    def replace(self, **changes: Any) -> Trajectory:
        """A copy with some arrays or metadata exchanged."""
        return replace(self, **changes)


ARRAYS: dict[str, StoredArray] = {f.name: f.metadata["stored"] for f in fields(Trajectory) if "stored" in f.metadata}


class Overlapping(Protocol):
    """What norms are computed with: a trajectory, or a ground state."""

    @property
    def occupations(self) -> np.ndarray:
        """Electrons per orbital, float64 [S]."""

    @property
    def overlap(self) -> np.ndarray:
        """Overlap matrix, float64 [A, A]."""


class DipoleMatrices(Protocol):
    """What the dipole of orbitals is computed with: a trajectory, or a ground state."""

    @property
    def occupations(self) -> np.ndarray:
        """Electrons per orbital, float64 [S]."""

    @property
    def dipole_ao_au(self) -> np.ndarray:
        """Position matrices relative to the origin, float64 [3, A, A], bohr."""


def electronic_dipole_au(coefficients: np.ndarray, trajectory: DipoleMatrices) -> np.ndarray:
    r"""Electronic dipole of orbital coefficients, :math:`\mu_a = -\sum_n \eta_n C_n r_a C_n^\dagger`.

    Args:
        coefficients: Complex [F, S, A].
        trajectory: Gives occupations [S] and position matrices [3, A, A].

    Returns:
        float64 [F, 3], e bohr, relative to the trajectory's origin, without the nuclei.
    """
    c = np.asarray(coefficients, dtype=np.complex128)
    density = np.einsum("s,fsa,fsb->fab", trajectory.occupations, c.conj(), c, optimize=True).real
    return np.asarray(-np.einsum("xab,fab->fx", trajectory.dipole_ao_au, density, optimize=True))


def electrons_lost(coefficients: np.ndarray, trajectory: Overlapping) -> np.ndarray:
    r"""Electrons that orbitals are short of, :math:`\sum_n \eta_n (1 - C_n S C_n^\dagger)`.

    Args:
        coefficients: Complex [F, S, A].
        trajectory: Gives occupations [S] and overlap [A, A].

    Returns:
        float64 [F].
    """
    c = np.asarray(coefficients, dtype=np.complex128)
    held = np.einsum("s,fsa,fsa->f", trajectory.occupations, c.conj(), c @ trajectory.overlap, optimize=True).real
    return np.asarray(trajectory.occupations.sum() - held)


def orthonormal_basis(overlap: np.ndarray) -> np.ndarray:
    """Orthonormal combinations of the atomic orbitals, as columns float64 [A, M]; M < A where some are dependent."""
    values, vectors = np.linalg.eigh(overlap)
    kept = values > SMALLEST_OVERLAP
    return np.asarray(vectors[:, kept] / np.sqrt(values[kept]))


def orbital_spins(occupied: Sequence[int]) -> np.ndarray:
    """Spins of alpha orbitals followed by beta orbitals, as a file holds them: int64 [S], 1 and -1."""
    return np.repeat(np.array([1, -1]), occupied)


def orthonormality_error(coefficients: np.ndarray, overlap: np.ndarray, spins: np.ndarray | None = None) -> np.ndarray:
    """Largest entry of :math:`|C S C^\\dagger - 1|` of each frame, between orbitals of the same spin.

    Args:
        coefficients: Complex [F, S, A].
        overlap: float64 [A, A].
        spins: Of the orbitals of an open shell, int [S].

    Returns:
        float64 [F].
    """
    c = np.asarray(coefficients, dtype=np.complex128)
    gram = c.conj() @ overlap @ np.swapaxes(c, -1, -2)
    if spins is not None:
        gram = gram * (spins[:, None] == spins)
    return np.asarray(np.abs(gram - np.eye(c.shape[1])).max(axis=(1, 2)))
