"""Which basis goes with which pseudopotential or effective core potential, element by element."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

from graphlearn.base.errors import InputError
from tdddft.electronic.method import Method
from tdddft.electronic.method_names import (
    is_gth_basis,
    known_basis,
    known_ecp,
    known_pseudopotential,
    names_by_element,
    normalised,
    refuse_files_of_these_names,
)

PAIRS = (
    "gth-dzvp, gth-tzvp, ... with pseudopotential gth-pbe (or gth-blyp, gth-pade, ...); 6-31g*, cc-pvdz, def2-svp, "
    "lanl2dz, ... with pseudopotential null"
)
LARGEST_STORED = 48_000  # characters, of the attribute that keeps the level of theory
_FAMILIES = ("ccecphe", "ccecpreg", "ccecp28", "ccecp36", "ccecp", "bfd")
_CORRELATION_CONSISTENT = re.compile(r"(aug)?ccpw?c?v[dtq5]zpp(nr)?")


def core_potentials(symbols: Iterable[str], method: Method) -> tuple[dict[str, str], dict[str, str]]:
    """Names of the pseudopotential and of the effective core potential of each element that has one.

    A GTH basis holds valence functions alone and needs its pseudopotential. A basis that was made with an effective
    core potential for an element brings it; ``method.ecp`` may name another one with as many core electrons. Every
    other basis is for all electrons.

    Args:
        symbols: Elements.
        method: Level of theory.

    Returns:
        Two mappings from element to name: pseudopotentials, and effective core potentials.

    Raises:
        InputError: for unknown names, and for pairs that do not belong together.
    """
    elements = sorted(set(symbols))
    own = set(method.basis_functions.elements) & set(elements) if method.basis_functions is not None else set()
    bases = {s: name for s, name in names_by_element(method.basis, elements).items() if s not in own}
    given, named = names_by_element(method.pseudopotential, elements), names_by_element(method.ecp, elements)
    for names, known in ((bases, known_basis), (given, known_pseudopotential), (named, known_ecp)):
        for name in set(names.values()):
            known(name)
    if missing := [s for s in elements if s not in bases and s not in own]:
        file = (
            "" if method.basis_functions is None else f", and {method.basis_functions.source or 'the file'} none either"
        )
        raise InputError(f"method.basis names no basis for {', '.join(missing)}{file}; add them, or 'default'")
    gth = {s for s in bases if is_gth_basis(bases[s])}
    by_name = isinstance(method.pseudopotential, str) and isinstance(method.basis, dict)
    if by_name and (gth or own):
        given = {s: name for s, name in given.items() if s in gth or s in own}
    for symbol in bases:
        if symbol in gth and symbol not in given:
            raise InputError(
                f"basis {bases[symbol]!r} holds valence functions alone and needs its pseudopotential for {symbol}; "
                f"pairs that fit: {PAIRS}"
            )
        if symbol in given and symbol not in gth:
            raise InputError(
                f"basis {bases[symbol]!r} was not made for pseudopotential {given[symbol]!r} of {symbol}; pairs that "
                f"fit: {PAIRS}"
            )
    ecps = {s: _ecp(s, bases[s], named.get(s)) for s in bases if s not in gth}
    for symbol in own & named.keys():
        if symbol in given:
            raise InputError(f"{symbol}: a pseudopotential and an ecp are named; one core potential replaces its core")
        ecps[symbol] = named[symbol] if core_electrons(named[symbol], symbol) is not None else None
    return given, {s: ecp for s, ecp in ecps.items() if ecp is not None}


def check_used(symbols: Iterable[str], method: Method) -> None:
    """Refuse basis functions of other elements alone, and a named effective core potential that replaces no core.

    Args:
        symbols: Elements of a molecule, or of all molecules of a set.
        method: Level of theory.

    Raises:
        InputError: if the potential is named for an element that has no core in its basis, or if no element has one;
            if the functions are of none of the elements.
    """
    elements = set(symbols)
    if method.basis_functions is not None and method.basis_functions.only(elements) is None:
        held = ", ".join(method.basis_functions.elements)
        raise InputError(f"method.basis_file has no effect: it holds {held}, and none of {', '.join(sorted(elements))}")
    if method.ecp is None:
        return
    used = core_potentials(elements, method)[1]
    by_element = set() if isinstance(method.ecp, str) else (method.ecp.keys() & elements) - used.keys()
    idle = sorted(by_element) or ([] if used else sorted(elements))
    if idle:
        raise InputError(
            f"method.ecp has no effect: basis {method.basis!r} is for all electrons of {', '.join(idle)}; leave it out"
        )


def method_of(symbols: Iterable[str], method: Method) -> Method:
    """The level of theory of one molecule of a set, without what is for others of the set.

    Args:
        symbols: Elements of the molecule.
        method: Level of theory of the set.

    Returns:
        The level of theory, without ``ecp`` where it would have no effect, with the functions of its elements alone.

    Raises:
        InputError: if these functions are more than a trajectory file keeps.
    """
    elements = set(symbols)
    changes: dict[str, Any] = {}
    if method.basis_functions is not None:
        own = method.basis_functions.only(elements)
        if own is not None and len(own.model_dump_json()) > LARGEST_STORED:
            raise InputError(
                f"{own.source}: the functions of {', '.join(own.elements)} are too many for a file to keep"
            )
        changes["basis_functions"] = own
    if method.ecp is not None and not core_potentials(elements, method)[1]:
        changes["ecp"] = None
    return method.model_copy(update=changes) if changes else method


def _ecp(symbol: str, basis: str, named: str | None) -> str | None:
    """The effective core potential of an element: that of its basis, or the named one in its place."""
    own = _name_of_own(basis)
    chosen = own if named is None else named
    electrons, other = core_electrons(own, symbol), core_electrons(chosen, symbol)
    if other != electrons:
        made = "all electrons" if electrons is None else f"a core of {electrons} electrons"
        what = "none" if other is None else f"one of {other}"
        raise InputError(
            f"basis {basis!r} was made for {made} of {symbol}, ecp {chosen!r} has {what}; leave method.ecp out: a "
            "basis brings the core potential that it was made with"
        )
    return None if electrons is None else chosen


def core_electrons(name: str, symbol: str) -> int | None:
    """Electrons that the effective core potential of this name replaces in an element; None where it has none.

    Args:
        name: Name of the potential, as PySCF takes it.
        symbol: Element.

    Returns:
        Number of electrons, or None.
    """
    from pyscf.gto import basis

    refuse_files_of_these_names([name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found: Any = basis.load_ecp(name, symbol)
        except (basis.BasisNotFoundError, RuntimeError, TypeError, OSError):
            return None
    return int(found[0]) if found else None


def _name_of_own(basis: str) -> str:
    """The name under which PySCF keeps the core potentials that a basis was made with."""
    core = normalised(basis).removeprefix("unc").partition("@")[0]
    for family in _FAMILIES:
        if core.startswith(family):
            return "bfdpp" if family == "bfd" else family
    return "ccpvdzpp" if _CORRELATION_CONSISTENT.fullmatch(core) else core
