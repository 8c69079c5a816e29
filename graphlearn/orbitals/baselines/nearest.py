"""The trajectory of the training geometry that is most like a given one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from graphlearn.models.orbevo.block import AXES
from graphlearn.nn.equivariant import wigner_d
from graphlearn.orbitals.data.layout import LMAX, OrbitalLayout
from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories
from tdddft.trajectory import Trajectory

ALIGNED = 0.9  # least cosine between two fields that count as the same


class NearestGeometry:
    """Predicts what the nearest training geometry did, turned into place, state by state.

    Geometries with the same elements in the same order, and a field along nearly the same direction of the molecule,
    are compared by their root mean square distance after the best rotation. States are matched one to one by the
    overlap of their orbitals, and take its sign; the motion is scaled to the strength of the field.

    Args:
        data: Training trajectories.
    """

    def __init__(self, data: TDDFTTrajectories) -> None:
        self._data = data
        self._heads: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for index in range(len(data)):
            head = data.raw(index, frames=1)
            self._heads.append((head.numbers, head.positions_angstrom, _field_au(head)))

    def __call__(self, trajectory: Trajectory) -> np.ndarray | None:
        """Delta without the frame at t = 0, complex128 [F, S, A]; None where no training molecule and field fit."""
        t, best = trajectory, None
        field = _field_au(t)
        for index, (numbers, positions, other_field) in enumerate(self._heads):
            if np.array_equal(numbers, t.numbers):
                rotation, distance = align(positions, t.positions_angstrom)
                strengths = np.linalg.norm(field) * np.linalg.norm(other_field)
                same_field = field @ rotation @ other_field >= ALIGNED * strengths
                if same_field and strengths > 0 and (best is None or distance < best[0]):
                    best = distance, index, rotation
        if best is None:
            return None
        other = self._data.raw(best[1])
        if len(other.times_fs) < len(t.times_fs) or not np.array_equal(other.ao_table, t.ao_table):
            return None
        ground = rotate_orbitals(other.coefficients, other, best[2])
        moved = rotate_orbitals(to_delta(other)[1 : len(t.times_fs)], other, best[2])
        overlap = t.coefficients @ t.overlap @ ground.T
        mine, theirs = linear_sum_assignment(-np.abs(overlap))
        sign = np.sign(overlap[mine, theirs])
        scale = np.linalg.norm(field) / np.linalg.norm(self._heads[best[1]][2])
        return np.asarray(moved[:, theirs] * sign[None, :, None] * scale)


def _field_au(trajectory: Trajectory) -> np.ndarray:
    """The field at its peak, a vector; zero without one."""
    field = trajectory.field_au
    return np.asarray(field[np.linalg.norm(field, axis=1).argmax()])


def align(positions: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, float]:
    """The rotation that brings one geometry nearest to another, by least squares after both are centred.

    Args:
        positions: Of the atoms, angstrom [N, 3].
        reference: Where they shall be, angstrom [N, 3].

    Returns:
        The rotation matrix [3, 3], and the root mean square distance left, angstrom. Of linear molecules and single
        atoms it is one of many.
    """
    # A zero vector more leaves the result as it is, and lets a single atom pass.
    turned, fixed = (np.pad(x - x.mean(0), ((0, 1), (0, 0))) for x in (positions, reference))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # not uniquely defined
        rotation, distance = Rotation.align_vectors(fixed, turned)
    return rotation.as_matrix(), float(distance / np.sqrt(len(positions)))


def rotate_orbitals(coefficients: np.ndarray, trajectory: Trajectory, rotation: np.ndarray) -> np.ndarray:
    """Orbitals of a molecule that is turned.

    Args:
        coefficients: Real or complex [..., A].
        trajectory: Gives the table of the atomic orbitals.
        rotation: Rotation matrix [3, 3].

    Returns:
        Coefficients [..., A].
    """
    radial = int(trajectory.ao_table[:, 2].max()) + 1
    layout = OrbitalLayout.of(trajectory, (radial,) * (LMAX + 1))
    turned = torch.as_tensor(rotation[np.ix_(AXES, AXES)]).unsqueeze(0)
    slots = layout.to_slots(coefficients)
    parts: Sequence[np.ndarray] = [
        np.einsum("ij,...jr->...ir", d[0].numpy(), slots[..., l * l : (l + 1) ** 2, :])
        for l, d in enumerate(wigner_d(turned, LMAX))
    ]
    return layout.from_slots(np.concatenate(parts, axis=-2))
