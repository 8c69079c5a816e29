"""Atomic-orbital coefficients as spherical-harmonic features of atoms."""

from __future__ import annotations

import numpy as np

from graphlearn.base.errors import InputError

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
