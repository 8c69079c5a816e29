r"""The ground-state Hamiltonian of a molecule as modes of its orbitals: its uncoupled response.

In the basis of the ground-state orbitals m, to first order in a weak field along :math:`\hat n`,

.. math:: i \dot\Delta_{mn} = \omega_{mn} \Delta_{mn} + \kappa_{mn}\, e(t), \qquad
          \omega_{mn} = \varepsilon_m - \varepsilon_n, \quad
          \kappa_{mn} = \beta^{-1} \langle m | \hat n \cdot \mathbf{r} | n \rangle \quad (m \ne n).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor


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

    def into_modes(self, x: Tensor) -> Tensor:
        """Slots [n, S, 9, R, T, 2] -> complex amplitudes [M, S, T]."""
        slots = x.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
        return torch.view_as_complex((self.to_modes @ slots.flatten(1)).view(-1, *slots.shape[1:]))

    def out_of_modes(self, z: Tensor, like: Tensor) -> Tensor:
        """Complex amplitudes [M, S, T] -> slots [n, S, 9, R, T, 2].

        Args:
            z: Amplitudes.
            like: A tensor whose first four sizes are those of the result.

        Returns:
            Slots, ``[n, S, 9, R, T, 2]``.
        """
        parts = torch.view_as_real(z)
        n, _, components, radial = like.shape[:4]
        slots = (self.from_modes @ parts.flatten(1)).view(n, components, radial, *parts.shape[1:])
        return slots.permute(0, 3, 1, 2, 4, 5)

    def orbitals(self, slots: torch.Size) -> Tensor:
        """All ground-state orbitals in orthogonalised atomic orbitals, [n, M, 9, R], for ``slots`` (9, R)."""
        return self.orthogonal.view(-1, *slots, self.orthogonal.shape[-1]).permute(0, 3, 1, 2)

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
