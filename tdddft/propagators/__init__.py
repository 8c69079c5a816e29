"""Time steps of the occupied orbitals, one scheme a file, behind one interface."""

from __future__ import annotations

from tdddft.propagators.adaptive import Adaptive
from tdddft.propagators.enforced_reversal import EnforcedReversal
from tdddft.propagators.magnus import Magnus4
from tdddft.propagators.midpoint import Midpoint
from tdddft.propagators.multirate import Multirate
from tdddft.propagators.state import Drive, Propagator, State, initial_state

_FIXED: dict[str, Propagator] = {
    "multirate": Multirate(),
    "midpoint": Midpoint(),
    "extrapolated": Midpoint(correct=False),
    "magnus4": Magnus4(),
    "etrs": EnforcedReversal(),
}

__all__ = [
    "Adaptive",
    "Drive",
    "EnforcedReversal",
    "Magnus4",
    "Midpoint",
    "Multirate",
    "Propagator",
    "State",
    "fixed_propagator",
    "initial_state",
]


def fixed_propagator(name: str) -> Propagator | None:
    """The scheme of fixed steps that a recipe names; None for ``adaptive``."""
    return None if name == "adaptive" else _FIXED[name]
