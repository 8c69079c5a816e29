"""Time steps of the occupied orbitals: the schemes, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlearn.base.errors import damage_named
from tdddft.electronic.method_names import KernelLevel
from tdddft.propagation.schemes.absorbing import Absorbing
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

_STORED: dict[str, type[Propagator]] = {
    kind.__name__: kind for kind in (Adaptive, Linear, Multirate, Midpoint, ExtrapolatedMidpoint, Magnus4, ETRS)
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
    "scheme_of_dict",
    "scheme_to_dict",
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


def scheme_to_dict(propagator: Propagator) -> dict[str, Any]:
    """Name and parameters of a scheme of this package, without its absorber; of any other the name of its class."""
    propagator = propagator.scheme if isinstance(propagator, Absorbing) else propagator
    kind = type(propagator)
    return {"name": kind.__name__, **(vars(propagator) if kind in _STORED.values() else {})}


def scheme_of_dict(data: Mapping[str, Any]) -> Propagator | None:
    """The inverse of :func:`scheme_to_dict`; None for a scheme that is not one of this package.

    Args:
        data: Name and parameters.

    Returns:
        The scheme.

    Raises:
        InputError: for parameters that the scheme does not take.
    """
    scheme = _STORED.get(str(data.get("name")))
    if scheme is None:
        return None
    with damage_named(f"the stored scheme {data.get('name')}", TypeError, ValueError):
        return scheme(**{key: value for key, value in data.items() if key != "name"})
