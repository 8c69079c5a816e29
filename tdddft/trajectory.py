"""The trajectory file: one propagation with everything needed to learn from it. Needs only numpy and h5py.

Shapes: N atoms, A atomic orbitals, S occupied orbitals, F stored frames, T field samples.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tdddft.errors import ContractError, InputError
from tdddft.field_data import field_from_dict
from tdddft.files import replace_hdf5

SCHEMA_VERSION = 1
FORMAT = "tdddft-trajectory"

_ARRAYS = {
    "molecule": ("numbers", "positions_angstrom"),
    "basis": ("ao_table",),
    "ground_state": (
        "overlap", "dipole_ao_au", "origin_au", "fock_hartree", "coefficients", "energies_hartree", "occupations",
    ),
    "field": ("field_times_fs", "field_au", "field_impulse_au"),
    "frames": ("times_fs", "frame_coefficients", "dipole_au", "energy_hartree", "norm_error"),
}  # fmt: skip
_STORED_NAME = {"field_times_fs": "times_fs", "frame_coefficients": "coefficients", "field_impulse_au": "impulse_au"}


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


def electronic_dipole_au(coefficients: np.ndarray, trajectory: Trajectory) -> np.ndarray:
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
    for group_name, names in _ARRAYS.items():
        group = file.create_group(group_name)
        for name in names:
            group.create_dataset(_STORED_NAME.get(name, name), data=getattr(trajectory, name))
    for group_name, facts in trajectory.info.items():
        file.require_group(group_name).attrs["info"] = json.dumps(facts, sort_keys=True)


def read_trajectory(path: str | os.PathLike[str], *, frames: int | None = None) -> Trajectory:
    """Read a trajectory file.

    Args:
        path: The file.
        frames: Read only the first frames; all by default.

    Raises:
        InputError: if the file is missing.
        ContractError: if it is not a trajectory, of another schema version, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no such trajectory file: {path}")
    try:
        with h5py.File(str(path), "r") as file:
            check_schema(file, path)
            arrays = {
                name: np.asarray(
                    file[f"{group}/{_STORED_NAME.get(name, name)}"][: frames if group == "frames" else None]
                )
                for group, names in _ARRAYS.items()
                for name in names
            }
            info = {g: json.loads(file[g].attrs["info"]) for g in file if "info" in file[g].attrs}
            trajectory = Trajectory(**arrays, info=info, kind=str(file.attrs["kind"]))
    except (OSError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise ContractError(f"{path}: damaged or incomplete trajectory ({error}); generate it again") from None
    _check_shapes(trajectory, path)
    return trajectory


def read_frames(path: str | os.PathLike[str], start: int, stop: int) -> np.ndarray:
    """Orbitals of frames start to stop of a trajectory file, complex [F, S, A]; only they are read.

    Raises:
        ContractError: if the file is damaged or has no such frames.
    """
    try:
        with h5py.File(str(path), "r") as file:
            frames = file["frames/coefficients"]
            if not 0 <= start < stop <= len(frames):
                raise ContractError(f"{path}: holds {len(frames)} frames, not {start} to {stop}")
            return np.asarray(frames[start:stop])
    except (OSError, KeyError, RuntimeError) as error:
        raise ContractError(f"{path}: damaged or incomplete trajectory ({error}); generate it again") from None


def check_schema(file: h5py.File, path: Path) -> None:
    """ContractError unless the open file is a trajectory of the schema version that this code reads."""
    if file.attrs.get("format") != FORMAT:
        raise ContractError(f"{path}: an HDF5 file, but not a tdddft trajectory")
    version = int(file.attrs.get("schema_version", -1))
    if version != SCHEMA_VERSION:
        raise ContractError(
            f"{path}: trajectory schema version {version}, this tdddft reads version {SCHEMA_VERSION}; "
            "use the tdddft version that wrote it, or generate it again"
        )


def _check_shapes(t: Trajectory, path: Path) -> None:
    n, a, s, f = len(t.numbers), len(t.ao_table), len(t.occupations), len(t.times_fs)
    expected = {
        "positions_angstrom": (n, 3), "ao_table": (a, 4), "overlap": (a, a), "dipole_ao_au": (3, a, a),
        "fock_hartree": (a, a), "coefficients": (s, a), "energies_hartree": (s,), "origin_au": (3,),
        "field_au": (len(t.field_times_fs), 3), "field_impulse_au": (3,), "frame_coefficients": (f, s, a),
        "dipole_au": (f, 3), "energy_hartree": (f,), "norm_error": (f,),
    }  # fmt: skip
    for name, shape in expected.items():
        if getattr(t, name).shape != shape:
            raise ContractError(f"{path}: {name} has shape {getattr(t, name).shape}, expected {shape}")
