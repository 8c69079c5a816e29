"""Atomic-orbital coefficients, and changes of them, as spherical-harmonic features of atoms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlearn.base.errors import InputError
from tdddft.trajectory import Trajectory

LMAX = 2


class OrbitalLayout:
    """Where each atomic orbital of a basis stands in per-atom slots [(l, m), radial index].

    Slots follow e3nn's order, component l*l + l + m, for the axes (y, z, x): with them e3nn's l = 1 is
    (p_y, p_z, p_x) and its l = 2 is (xy, yz, z2, xz, x2-y2), the real harmonics of quantum chemistry without a sign.

    Args:
        ao_table: Atom, l, radial index and m of every orbital, int [A, 4].
        num_atoms: Number of atoms N.
        shells: Radial channels available for s, p and d.
        basis: Name of the basis, for messages.

    Raises:
        InputError: if a shell does not fit; the message names it.
    """

    def __init__(
        self, ao_table: np.ndarray, num_atoms: int, shells: tuple[int, ...] = (2, 2, 1), basis: str = ""
    ) -> None:
        atom, l, radial, m = np.asarray(ao_table).T
        limit = np.array([*shells, *[0] * 10])
        wrong = np.nonzero(radial >= limit[l])[0]
        if len(wrong):
            i = wrong[0]
            raise InputError(
                f"basis {basis!r} does not fit the model: atom {atom[i]} has {'spdfghik'[l[i]]} shell number "
                f"{radial[i] + 1}, the model takes {shells[0]} s, {shells[1]} p and {shells[2]} d; "
                "generate with a basis of that shape, for example gth-dzvp"
            )
        self.num_atoms, self.num_radial = num_atoms, max(shells)
        self._index = (atom * (LMAX + 1) ** 2 + l * l + l + m) * self.num_radial + radial

    @classmethod
    def of(cls, trajectory: Trajectory, shells: tuple[int, ...] = (2, 2, 1)) -> OrbitalLayout:
        """The layout of the orbitals of a trajectory.

        Args:
            trajectory: Gives the table of its orbitals and the name of its basis.
            shells: Radial channels available for s, p and d.

        Returns:
            The layout.

        Raises:
            InputError: if a shell does not fit; the message names it. For ghost atoms.
        """
        if trajectory.molecule.ghosts:
            raise InputError(f"{trajectory.name}: holds ghost atoms, which the models of orbitals do not know")
        basis = str(trajectory.method.basis or "")
        return cls(trajectory.ao_table, len(trajectory.numbers), shells, basis)

    @property
    def mask(self) -> np.ndarray:
        """Which slots hold an orbital, bool [N, 9, R]."""
        mask = np.zeros(self.num_atoms * (LMAX + 1) ** 2 * self.num_radial, dtype=bool)
        mask[self._index] = True
        return mask.reshape(self.num_atoms, (LMAX + 1) ** 2, self.num_radial)

    def to_slots(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients [..., A] -> slots [..., N, 9, R], zero where there is no orbital."""
        slots = np.zeros((*coefficients.shape[:-1], self.mask.size), dtype=coefficients.dtype)
        slots[..., self._index] = coefficients
        return slots.reshape(*coefficients.shape[:-1], self.num_atoms, (LMAX + 1) ** 2, self.num_radial)

    def from_slots(self, slots: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`to_slots`."""
        return slots.reshape(*slots.shape[:-3], -1)[..., self._index]

    def delta_to_slots(self, delta: np.ndarray) -> Tensor:
        """Delta complex [F, S, A] as a model takes it, real and imaginary, float32 [N, S, 9, R, F, 2]."""
        slots = self.to_slots(delta)  # [F, S, N, 9, R]
        return float32(np.stack([slots.real, slots.imag], axis=-1).transpose(2, 1, 3, 4, 0, 5))

    def delta_from_slots(self, delta: Tensor) -> np.ndarray:
        """The inverse of :meth:`delta_to_slots`, complex128 [F, S, A]."""
        values = delta.double().cpu().numpy()
        return self.from_slots((values[..., 0] + 1j * values[..., 1]).transpose(4, 1, 0, 2, 3))


def float32(array: np.ndarray) -> Tensor:
    """A tensor of float32 with the numbers of an array, contiguous."""
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)
