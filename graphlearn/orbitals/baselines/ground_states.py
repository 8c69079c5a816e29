"""Ground states of trajectories, shared by the baselines that start from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tdddft.trajectory import Trajectory, level_of_theory

if TYPE_CHECKING:
    from tdddft.electronic.ground_state import GroundState


class GroundStates:
    """Solves the ground state of a trajectory again with PySCF, at the level of theory that the file names.

    The last one is kept, so that several methods on one trajectory solve it once.
    """

    def __init__(self) -> None:
        self._last: tuple[Trajectory, GroundState] | None = None

    def __call__(self, trajectory: Trajectory) -> GroundState:
        """The ground state."""
        from tdddft.electronic.ground_state import ground_state

        if self._last is None or self._last[0] is not trajectory:
            self._last = trajectory, ground_state(*level_of_theory(trajectory))
        return self._last[1]
