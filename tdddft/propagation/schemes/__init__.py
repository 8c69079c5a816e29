"""Time steps of the occupied orbitals: the schemes, behind one interface."""

from __future__ import annotations

from tdddft.propagation.schemes.adaptive import Adaptive
from tdddft.propagation.schemes.fixed_steps import ETRS, ExtrapolatedMidpoint, Magnus4, Midpoint
from tdddft.propagation.schemes.multirate import Multirate
from tdddft.propagation.schemes.state import Drive, Propagator, State, initial_state

EnforcedReversal = ETRS  # former name

_FIXED: dict[str, Propagator] = {
    "multirate": Multirate(),
    "midpoint": Midpoint(),
    "extrapolated": ExtrapolatedMidpoint(),
    "magnus4": Magnus4(),
    "etrs": ETRS(),
}

__all__ = [
    "ETRS",
    "Adaptive",
    "Drive",
    "EnforcedReversal",
    "ExtrapolatedMidpoint",
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
