"""Time steps of the occupied orbitals: the schemes, behind one interface."""

from __future__ import annotations

from tdddft.electronic.method_names import KernelLevel
from tdddft.propagation.schemes.adaptive import Adaptive
from tdddft.propagation.schemes.fixed_steps import ETRS, ExtrapolatedMidpoint, Magnus4, Midpoint
from tdddft.propagation.schemes.linear import Linear
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
    "Linear",
    "Magnus4",
    "Midpoint",
    "Multirate",
    "Propagator",
    "State",
    "initial_state",
    "named_propagator",
]


def named_propagator(name: str, kernel: KernelLevel = "fitted") -> Propagator | None:
    """The scheme that a recipe names; None for ``adaptive``, which :func:`tdddft.propagate` makes itself.

    Args:
        name: Of the recipe's ``propagation.propagator``.
        kernel: Of ``linear``.

    Returns:
        The scheme.
    """
    if name == "linear":
        return Linear(kernel)
    return None if name == "adaptive" else _FIXED[name]
