"""The trajectory file: one propagation with everything needed to learn from it. Needs only numpy and h5py.

Shapes: N atoms, A atomic orbitals, S occupied orbitals, F stored frames, T field samples.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_hdf5
from graphlearn.base.hdf5 import attribute, open_hdf5, read_dataset
from tdddft.fields.serialization import field_from_dict
from tdddft.trajectory.contract import ARRAYS, check_arrays, check_numbers, read_arrays, read_facts

SCHEMA_VERSION = 1
FORMAT = "tdddft-trajectory"


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A real-time trajectory in memory; each array as it is stored in the file.

    Args:
        numbers: Atomic numbers, int [N].
        positions_angstrom: Nuclear positions, float64 [N, 3], angstrom.
        ao_table: Atom, l, radial index and m of every atomic orbital, int [A, 4].
        overlap: Overlap matrix S, float64 [A, A].
        dipole_ao_au: Position matrices relative to the origin, float64 [3, A, A], bohr.
        origin_au: Origin of dipoles and of the length gauge, float64 [3], bohr.
        fock_hartree: Ground-state Fock matrix, float64 [A, A], hartree.
        coefficients: Ground-state occupied orbitals C(0), real float64 [S, A].
        energies_hartree: Their orbital energies, float64 [S].
        occupations: Electrons an orbital, float64 [S].
        field_times_fs: Times of the field samples, float64 [T], fs.
        field_au: Field samples, float64 [T, 3], atomic units.
        field_impulse_au: Impulse of a delta kick at t = 0, float64 [3], atomic units; zero without one.
        times_fs: Times of the frames, float64 [F], fs.
        frame_coefficients: Occupied orbitals C(t), complex64 or complex128 [F, S, A].
        dipole_au: Total dipole relative to the origin, float64 [F, 3], e bohr.
        energy_hartree: Energy without the field term, float64 [F]; NaN where a prediction has none.
        norm_error: Largest deviation of C S C^dagger from the unit matrix, float64 [F].
        info: JSON-able facts by group: molecule (name, charge, source, smiles), basis (name, functional, ...),
            ground_state (energy, convergence), field (kind and parameters), provenance.
        kind: ``simulated`` or ``predicted``.
    """

    numbers: np.ndarray
    positions_angstrom: np.ndarray
    ao_table: np.ndarray
    overlap: np.ndarray
    dipole_ao_au: np.ndarray
    origin_au: np.ndarray
    fock_hartree: np.ndarray
    coefficients: np.ndarray
    energies_hartree: np.ndarray
    occupations: np.ndarray
    field_times_fs: np.ndarray
    field_au: np.ndarray
    field_impulse_au: np.ndarray
    times_fs: np.ndarray
    frame_coefficients: np.ndarray
    dipole_au: np.ndarray
    energy_hartree: np.ndarray
    norm_error: np.ndarray
    info: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kind: str = "simulated"

    @property
    def name(self) -> str:
        """The molecule's name."""
        return str(self.info.get("molecule", {}).get("name", "molecule"))

    @property
    def nuclear_dipole_au(self) -> np.ndarray:
        """Dipole of the nuclei (of the ions, with a pseudopotential) relative to the origin, float64 [3]."""
        return np.asarray(self.info["ground_state"]["nuclear_dipole_au"])

    def field_at_midpoints(self) -> tuple[np.ndarray, np.ndarray]:
        """Times in fs [T - 1] and field [T - 1, 3] in the middle of each step, where the propagation takes it.

        Without stored parameters of the field, the mean of neighbouring samples stands for the middle.
        """
        middle = 0.5 * (self.field_times_fs[1:] + self.field_times_fs[:-1])
        parameters = self.info.get("field", {})
        if "kind" in parameters:
            return middle, field_from_dict(parameters).at(middle)
        return middle, 0.5 * (self.field_au[1:] + self.field_au[:-1])

    def field_quadrature(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times [Q] and weights [Q] in fs, and the field [Q, 3], to integrate it: two Gauss points between samples.

        With stored parameters no jump lies inside an interval; without, the mean of neighbouring samples is taken.
        """
        parameters = self.info.get("field", {})
        if "kind" not in parameters:
            middle, field = self.field_at_midpoints()
            return middle, np.diff(self.field_times_fs), field
        source = field_from_dict(parameters)
        low, high = self.field_times_fs[[0, -1]]
        marks = [mark for mark in source.breaks_fs if low < mark < high]
        edges = np.unique(np.concatenate([self.field_times_fs, marks]))
        half = 0.5 * np.diff(edges)
        middle = edges[:-1] + half
        times = np.stack([middle - half / np.sqrt(3), middle + half / np.sqrt(3)], axis=1).ravel()
        return times, np.repeat(half, 2), source.at(times)

    def replace(self, **changes: Any) -> Trajectory:
        """A copy with some arrays exchanged."""
        return replace(self, **changes)


class DipoleMatrices(Protocol):
    """What the dipole of orbitals is computed with: a trajectory, or a ground state."""

    @property
    def occupations(self) -> np.ndarray:
        """Electrons per orbital, float64 [S]."""
        ...

    @property
    def dipole_ao_au(self) -> np.ndarray:
        """Position matrices relative to the origin, float64 [3, A, A], bohr."""
        ...


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
    return -np.einsum("xab,fab->fx", trajectory.dipole_ao_au, density, optimize=True)


def orthonormality_error(coefficients: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Largest |C S C^dagger - 1| of each frame, float64 [F], for coefficients [F, S, A]."""
    c = np.asarray(coefficients, dtype=np.complex128)
    gram = c.conj() @ overlap @ np.swapaxes(c, -1, -2)
    return np.abs(gram - np.eye(c.shape[1])).max(axis=(1, 2))


def write_trajectory(path: str | os.PathLike[str], trajectory: Trajectory) -> Path:
    """Write a trajectory under a temporary name in the same folder, flush it to disk, and rename it.

    Returns:
        The final path.

    Raises:
        InputError: if the folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_hdf5(path, lambda file: _fill(file, trajectory))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; choose a folder you can write to") from None
    return path


def _fill(file: h5py.File, trajectory: Trajectory) -> None:
    file.attrs.update(format=FORMAT, schema_version=SCHEMA_VERSION, kind=trajectory.kind)
    for name, stored in ARRAYS.items():
        file.create_dataset(stored.path, data=getattr(trajectory, name))
    for group_name, facts in trajectory.info.items():
        file.require_group(group_name).attrs["info"] = json.dumps(facts, sort_keys=True)


def read_trajectory(
    path: str | os.PathLike[str], *, frames: int | None = None, finite: bool = True, examined: bool = False
) -> Trajectory:
    """Read a trajectory file.

    Args:
        path: The file.
        frames: Read only the first frames; all by default.
        finite: Refuse NaN and infinite numbers; False leaves it to :func:`tdddft.trajectory.validation.validate` to
            find them.
        examined: Whether the file was looked at before, see :func:`graphlearn.base.hdf5.open_hdf5`.

    Raises:
        InputError: if the file is missing.
        ContractError: if it is not a trajectory, of another schema version, damaged, or at odds with the contract.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with open_hdf5(path, examined=examined) as file:
        check_schema(file, path)
        check_arrays(file)
        kind, facts = attribute(file, "kind", str), read_facts(file)
        trajectory = Trajectory(**read_arrays(file, frames), info=facts, kind=kind)
        check_numbers(trajectory, path, finite=finite)
    return trajectory


def read_frames(path: str | os.PathLike[str], start: int, stop: int, *, examined: bool = False) -> np.ndarray:
    """Orbitals of frames start to stop of a trajectory file, complex [F, S, A]; only they are read.

    Args:
        path: The file.
        start: First frame.
        stop: Frame after the last one.
        examined: Whether the file was looked at before, see :func:`graphlearn.base.hdf5.open_hdf5`.

    Raises:
        InputError: if the file is missing.
        ContractError: if the file is damaged or has no such frames.
    """
    path = Path(path)
    with open_hdf5(path, examined=examined) as file:
        number = count_frames(file)
        if not 0 <= start < stop <= number:
            raise ContractError(f"{path}: holds {number} frames, not {start} to {stop}")
        return read_dataset(file, ARRAYS["frame_coefficients"].path, slice(start, stop))


def count_frames(file: h5py.File) -> int:
    """Frames of an open trajectory file; ContractError where its arrays are at odds with the contract."""
    check_schema(file, Path(file.filename))
    return check_arrays(file)["F"]


def check_schema(file: h5py.File, path: Path) -> None:
    """ContractError unless the open file is a trajectory of the schema version that this code reads."""
    named = file.attrs.get("format")
    if not isinstance(named, str | bytes) or named not in (FORMAT, FORMAT.encode()):
        raise ContractError(f"{path}: an HDF5 file, but not a tdddft trajectory")
    version = attribute(file, "schema_version", int)
    if version != SCHEMA_VERSION:
        raise ContractError(
            f"{path}: trajectory schema version {version}, this tdddft reads version {SCHEMA_VERSION}; "
            "use the tdddft version that wrote it, or generate it again"
        )
