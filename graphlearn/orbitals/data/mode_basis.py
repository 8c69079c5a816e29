r"""Uncoupled response: what the orbitals would do if the Hamiltonian did not respond.

In the basis of the ground-state orbitals m, to first order in a weak field along :math:`\hat n`,

.. math:: i \dot\Delta_{mn} = \omega_{mn} \Delta_{mn} + \kappa_{mn}\, e(t), \qquad
          \omega_{mn} = \varepsilon_m - \varepsilon_n, \quad
          \kappa_{mn} = \beta^{-1} \langle m | \hat n \cdot \mathbf{r} | n \rangle \quad (m \ne n).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from scipy.linalg import eigh
from torch import Tensor

from graphlearn.orbitals.data.layout import OrbitalLayout
from graphlearn.orbitals.data.target import DELTA_SCALE
from tdddft.analysis.spectrum import field_direction
from tdddft.trajectory.trajectory import Trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS


@dataclass(frozen=True, eq=False)
class ModeBasis:
    """The ground-state Hamiltonian of one molecule as modes of its orbitals.

    Shapes: M orbitals, S occupied states, K slots of all atoms (atom, component, radial index).

    Args:
        to_modes: From slots to orbitals, float32 [M, K].
        from_modes: From orbitals to slots, float32 [K, M].
        orthogonal: The orbitals in symmetrically (Loewdin) orthogonalised atomic orbitals, :math:`S^{1/2} C`, in slots,
            float32 [K, M]; no element exceeds one.
        frequencies_per_fs: :math:`\\omega_{mn}`, rad/fs, float32 [M, S].
        coupling: :math:`\\kappa_{mn}` for a field of one V/angstrom, in Delta's units per fs, float32 [M, S].
        own: The occupied states themselves, float32 [M, S].
    """

    to_modes: Tensor
    from_modes: Tensor
    orthogonal: Tensor
    frequencies_per_fs: Tensor
    coupling: Tensor
    own: Tensor

    @classmethod
    def of(cls, trajectory: Trajectory, layout: OrbitalLayout) -> ModeBasis:
        """The modes of the ground state of a trajectory, coupled to the direction of its field."""
        t = trajectory
        energies, orbitals = eigh(t.fock_hartree, t.overlap)
        direction = field_direction(t) if t.field_au.any() else np.zeros(3)
        along = np.einsum("x,xab->ab", direction, t.dipole_ao_au)
        coupling = orbitals.T @ along @ t.coefficients.T
        mine = orbitals.T @ t.overlap @ t.coefficients.T
        coupling -= mine * np.einsum("mn,mn->n", mine, coupling)  # the gauge takes the phase of each orbital
        values, vectors = np.linalg.eigh(t.overlap)
        orthogonal = (vectors * np.sqrt(values)) @ (vectors.T @ orbitals)
        frequencies = (energies[:, None] - t.energies_hartree) / AU_TIME_FS
        scale = 1.0 / (DELTA_SCALE * AU_FIELD_V_PER_ANGSTROM * AU_TIME_FS)
        return cls(
            to_modes=_float(layout.to_slots(orbitals.T @ t.overlap).reshape(len(energies), -1)),
            from_modes=_float(layout.to_slots(orbitals.T).reshape(len(energies), -1).T),
            orthogonal=_float(layout.to_slots(orthogonal.T).reshape(len(energies), -1).T),
            frequencies_per_fs=_float(frequencies),
            coupling=_float(coupling * scale),
            own=_float(mine),
        )

    def padded(self, states: int) -> ModeBasis:
        """With states added that do not move."""
        missing = states - self.coupling.shape[1]
        return self._each_state(lambda x: torch.nn.functional.pad(x, (0, missing)))

    def of_states(self, states: Tensor) -> ModeBasis:
        """Some of the states, int64 [K]."""
        return self._each_state(lambda x: x.index_select(1, states))

    def scaled(self, factor: float) -> ModeBasis:
        """With the coupling multiplied by a number."""
        return replace(self, coupling=self.coupling * factor)

    def flipped(self, signs: Tensor) -> ModeBasis:
        """With the states multiplied by signs [S]."""
        return replace(self, coupling=self.coupling * signs, own=self.own * signs)

    def to(self, *args: Any, **kwargs: Any) -> ModeBasis:
        """Move or cast."""
        return ModeBasis(*(getattr(self, f.name).to(*args, **kwargs) for f in fields(self)))

    def _each_state(self, change: Callable[[Tensor], Tensor]) -> ModeBasis:
        return replace(
            self, **{name: change(getattr(self, name)) for name in ("frequencies_per_fs", "coupling", "own")}
        )


def _float(array: np.ndarray) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)
