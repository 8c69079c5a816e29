"""The linear kernel of the ground state, propagated without learning: what a learned response has to beat."""

from __future__ import annotations

from typing import cast

import numpy as np

from graphlearn.orbitals.baselines.ground_states import GroundStates
from graphlearn.orbitals.data.target import to_delta
from tdddft.electronic.method_names import KernelLevel
from tdddft.fields.sampled import SampledField
from tdddft.trajectory import Trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM


class LinearPropagation:
    """Propagates a molecule to first order in the field, see :class:`tdddft.Linear`.

    Args:
        level: Of the kernel: ``none`` (independent particles), ``hartree`` (random-phase approximation), ``ris``
            (TDDFT-ris), ``fitted`` or ``grid``.
        ground_states: Shared with other methods; its own by default.
    """

    def __init__(self, level: str = "fitted", ground_states: GroundStates | None = None) -> None:
        self._ground_states = ground_states or GroundStates()
        self.level = cast("KernelLevel", level)

    def __call__(self, trajectory: Trajectory) -> np.ndarray:
        """Delta without the frame at t = 0, complex128 [F, S, A]."""
        from tdddft.propagation.propagate import propagate
        from tdddft.propagation.schemes import Linear

        t = trajectory
        times = t.field_times_fs
        field = t.field.source or SampledField(tuple(times), tuple(map(tuple, t.field_au * AU_FIELD_V_PER_ANGSTROM)))
        state, steps = self._ground_states(t), len(times) - 1
        moved = propagate(
            state, field, steps, float(times[-1] - times[0]) / steps, save_every=steps // (len(t.times_fs) - 1),
            precision="complex128", propagator=Linear(self.level),
        )  # fmt: skip
        # orbitals of one level, and their signs, may differ from those of the file
        turn = t.coefficients @ t.overlap @ moved.coefficients.T
        return to_delta(t, turn @ moved.frame_coefficients)[1:]
