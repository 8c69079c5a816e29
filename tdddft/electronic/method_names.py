"""Names of basis sets, core potentials and functionals: those that PySCF ships, and nothing else.

PySCF takes the text of a basis set, whose numbers it evaluates as Python, and the path of a file wherever it takes a
name. Whatever a recipe, a trajectory file, a data-set folder or ``model.json`` calls a basis comes through here first.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from graphlearn.base.errors import InputError
from tdddft.molecules.molecule import SYMBOLS

KernelLevel = Literal["none", "hartree", "ris", "fitted", "grid"]
KERNEL_LEVELS: tuple[str, ...] = get_args(KernelLevel)
LONGEST = 80
DEFAULT = "default"  # key of a mapping by element for all elements that it does not name
INITIAL_GUESS = "ano"  # what PySCF reads for the first density
EVEN_TEMPERED = "weigend"  # what it reads where it generates fitting functions
_PLAIN = re.compile(r"[A-Za-z0-9+*(),@_ -]+")
_FUNCTIONAL = re.compile(r"[A-Za-z0-9+*(),;._ -]+")
_DISPERSION = re.compile(r"-d[34]\w*$", re.IGNORECASE)
_POPLE = re.compile(r"(?P<core>\d+\+*g)\((\d?[dfp])+(,(\d?[dfp])+)?\)")
_CONTRACTION = re.compile(r"(\d+[spdfghi])+")
_FITTING = re.compile(r".*(fit|ri|so)$|(weigend|demon|ahlrichs|dgauss|sap).*")
_POTENTIAL_ALONE = {"bfd", "bfdpp", "ccecp", "ccecphe", "ccecpreg", "ccecp28", "ccecp36"}
_CHARGE = re.compile(r"q\d+$")


def check_plain_name(what: str, name: str) -> str:
    """The name, if it can be one: a single short line without anything that could be a path or an expression.

    Args:
        what: Key of the recipe, for the message.
        name: What stands there.

    Returns:
        The name.

    Raises:
        InputError: if it cannot be a name.
    """
    pattern = _FUNCTIONAL if what == "functional" else _PLAIN
    if len(name) > LONGEST or not pattern.fullmatch(name) or not any(c.isalnum() for c in name):
        raise InputError(
            f"{what} takes the name of one that PySCF ships, not its text and not a file; this is {_shortened(name)}"
        )
    return name


def functional_name(name: str) -> str:
    """The name, if it can be one of a functional that can be propagated.

    Args:
        name: Name of a functional.

    Returns:
        The name.

    Raises:
        InputError: for what is no name, and for dispersion corrections.
    """
    check_plain_name("functional", name)
    if correction := _DISPERSION.search(name.strip()):
        raise InputError(
            f"functional {name!r} has a dispersion correction ({correction[0][1:]}), which adds a constant to the "
            "energy and moves no electron while the nuclei are fixed; leave it out"
        )
    if normalised(name).endswith("3c"):
        raise InputError(f"functional {name!r} is a composite method with its own basis; name functional and basis")
    return name


def names_or_name(what: str, names: str | dict[str, str]) -> str | dict[str, str]:
    """One name or names by element, if each can be a name.

    Args:
        what: Key of the recipe, for messages.
        names: What stands there.

    Returns:
        The names, as they were given.

    Raises:
        InputError: for what cannot be a name, and keys that are no elements.
    """
    given = {DEFAULT: names} if isinstance(names, str) else names
    for element, name in given.items():
        if element != DEFAULT and element not in SYMBOLS[1:]:
            raise InputError(f"{what}: {_shortened(element)} is not an element; keys are symbols and {DEFAULT!r}")
        check_plain_name(what, name)
    return names


def names_by_element(names: str | Mapping[str, str] | None, symbols: Iterable[str]) -> dict[str, str]:
    """The name for each element of ``symbols`` that has one.

    Args:
        names: One name for all, or names by element with ``default`` for the rest.
        symbols: Elements.

    Returns:
        Name by element; elements without one are left out.
    """
    if names is None:
        return {}
    given = {DEFAULT: names} if isinstance(names, str) else names
    return {s: given.get(s, given.get(DEFAULT, "")) for s in sorted(set(symbols)) if s in given or DEFAULT in given}


def normalised(name: str) -> str:
    """The name as PySCF compares it: small letters, without hyphens, underscores and spaces."""
    return re.sub(r"[-_ ]", "", name.lower())


def is_gth_basis(name: str) -> bool:
    """Whether a basis is of the family made for Goedecker-Teter-Hutter pseudopotentials."""
    return _core_of(name)[0].startswith("gth")


def known_basis(name: str) -> str:
    """The name, if PySCF ships an orbital basis of that name.

    Besides the listed names: polarisation as ``6-31g(d,p)``, a contraction as ``ano@3s2p1d``, ``unc-`` in front for the
    uncontracted basis.

    Args:
        name: Name of a basis, as PySCF takes it.

    Returns:
        The name.

    Raises:
        InputError: otherwise, with the most similar names.
    """
    from pyscf.gto import basis

    core, contraction = _core_of(check_plain_name("basis", name))
    listed = {k for k in (*basis.ALIAS, *basis.GTH_ALIAS) if not _FITTING.fullmatch(k) and k not in _POTENTIAL_ALONE}
    polarised = _POPLE.fullmatch(core)
    known = core in listed or (polarised is not None and polarised["core"] in listed)
    if not known or not (contraction is None or _CONTRACTION.fullmatch(contraction)):
        raise InputError(f"unknown basis {name!r}{_similar(core, listed)}; PySCF's names are taken, files are not")
    return name


def known_pseudopotential(name: str) -> str:
    """The name, if PySCF ships a Goedecker-Teter-Hutter pseudopotential of that name.

    Args:
        name: Name of a pseudopotential, as PySCF takes it.

    Returns:
        The name.

    Raises:
        InputError: otherwise, with the known names.
    """
    from pyscf.gto import basis

    if _CHARGE.sub("", normalised(check_plain_name("pseudopotential", name))) not in basis.PP_ALIAS:
        known = ", ".join(f"gth-{key.removeprefix('gth')}" for key in basis.PP_ALIAS)
        raise InputError(f"unknown pseudopotential {name!r}; known: {known}")
    return name


def known_ecp(name: str) -> str:
    """The name, if PySCF ships a file of basis sets or effective core potentials of that name.

    Args:
        name: Name of an effective core potential, as PySCF takes it.

    Returns:
        The name.

    Raises:
        InputError: otherwise, with the most similar names.
    """
    from pyscf.gto import basis

    listed = {key for key, file in basis.ALIAS.items() if isinstance(file, str)}
    if normalised(check_plain_name("ecp", name)) not in listed:
        raise InputError(f"unknown ecp {name!r}{_similar(normalised(name), listed)}")
    return name


def fitting_names(mol: Any, bases: Iterable[str]) -> set[str]:
    """The fitting bases that PySCF may read for these orbital bases.

    Args:
        mol: PySCF's molecule.
        bases: Names of orbital bases.

    Returns:
        Names of fitting bases.
    """
    from pyscf.df import addons

    aliases = {normalised(name) for name in bases}
    aliases |= {alias.partition("g")[0] + "g" for alias in aliases}  # PySCF takes those of the plain Pople basis
    found = {addons.predefined_auxbasis(mol, alias, xc) for alias in aliases for xc in ("HF", "PBE")}
    return {EVEN_TEMPERED} | {name for name in found if isinstance(name, str)}


def refuse_files_of_these_names(names: Iterable[str]) -> None:
    """Refuse names for which the working folder holds a file that PySCF would read in place of its own data.

    Args:
        names: Names of basis sets and core potentials.

    Raises:
        InputError: with the file that is in the way.
    """
    for name in names:
        bare = name.partition("@")[0]
        for spelling in (bare, bare[3:] if bare.lower().startswith("unc") else bare):
            if os.path.isfile(spelling):
                raise InputError(
                    f"the working folder holds a file called {spelling!r}, which PySCF would read in place of its own "
                    "data of that name; rename it, or start in another folder"
                )


def _core_of(name: str) -> tuple[str, str | None]:
    """A normalised name without ``unc`` and contraction, and the contraction."""
    core, at, contraction = normalised(name).removeprefix("unc").partition("@")
    return core, contraction if at else None


def _similar(core: str, listed: set[str]) -> str:
    near = difflib.get_close_matches(core, listed, n=3)
    return f"; similar: {', '.join(near)}" if near else ""


def _shortened(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."
