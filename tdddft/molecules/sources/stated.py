"""Charge and multiplicity as files state them: what is unambiguous is read, anything else is named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlearn.base.errors import InputError

NOT_STATED = "not stated"
Charges = int | Mapping[str, int] | None
_WORD = r"(?<![\w.])(?:(?:total|net|molecular|overall|system|tot)[ _-]?)?(?:charge|chrg)(?!\w)"
_CHARGE = re.compile(rf"""(?:{_WORD}["']?\s*[:=]?|(?<![\w.])q["']?\s*[:=])\s*["']?([^\s,;"'|)}}]*)""", re.IGNORECASE)
_MULTIPLICITY = re.compile(
    r"""(?<![\w.])(?:spin[ _-]?)?(?:multiplicity|mult)(?!\w)["']?\s*[:=]?\s*["']?([^\s,;"'|)}]*)""", re.IGNORECASE
)
_SPIN = re.compile(r"""(?<![\w.])spin["']?\s*[:=]\s*["']?([^\s,;"'|)}]*)""", re.IGNORECASE)
_UNPAIRED = re.compile(r"""(?<![\w.])unpaired["']?\s*[:=]\s*["']?([^\s,;"'|)}]*)""", re.IGNORECASE)
_WHOLE = re.compile(r"([+-]?\d+)(?:\.0*)?")
_SIGN_LAST = re.compile(r"(\d+)([+-])")
_TWO = re.compile(r"\s*([+-]?\d{1,2})\s+(\d{1,2})\s*")
_TWO_AND_WORDS = re.compile(r"\s*([+-]?\d)\s+([1-9])\s")
# A sign alone, as in "SO4 2-", "SO4^2-", "[O-]", or a number that may be a charge.
_HINT = re.compile(r"^[+-]\d+$|(?<!\S)\^?[1-9][+-](?!\S)|\w\^[1-9]?[+-]|\[[A-Za-z0-9@]{1,9}[+-]\d?\]")
_LONGEST = 20_000
_NAMES = {
    "charge": ("charge", "total_charge", "net_charge", "pubchem_total_charge", "q"),
    "multiplicity": ("multiplicity", "spin_multiplicity", "mult"),
    "spin": ("spin",),
    "unpaired": ("unpaired", "unpaired_electrons"),
}
NEARLY_WHOLE, NEARLY_NEUTRAL = 1e-3, 0.05


@dataclass(frozen=True)
class Stated:
    """What a source says of the electrons of one molecule.

    Args:
        charge: Total charge; None where it says nothing.
        words: The words it says it with.
        multiplicity: 1 + number of unpaired electrons; None where it says nothing.
        spin_words: The words it says that with.
        unclear: Why the charge is not known although the source says something.
        unclear_spin: Why the multiplicity is not known although the source says something.
        doubt: Why it may be another than 0 where it is not stated.
    """

    charge: int | None = None
    words: str = ""
    multiplicity: int | None = None
    spin_words: str = ""
    unclear: str = ""
    unclear_spin: str = ""
    doubt: str = ""

    def __or__(self, other: Stated) -> Stated:
        """Both statements together; two charges that differ make it unclear."""
        charge = other.charge if self.charge is None else self.charge
        unclear = self.unclear or other.unclear
        words = _joined(self.words, other.words)
        if other.charge is not None and other.charge != charge:
            unclear = unclear or f"two charges are stated ({words})"
        multiplicity = other.multiplicity if self.multiplicity is None else self.multiplicity
        unclear_spin, spin_words = self.unclear_spin or other.unclear_spin, _joined(self.spin_words, other.spin_words)
        if other.multiplicity is not None and other.multiplicity != multiplicity:
            unclear_spin = unclear_spin or f"two multiplicities are stated ({spin_words})"
        doubt = self.doubt or other.doubt
        return Stated(charge, words, multiplicity, spin_words, unclear, unclear_spin, doubt)

    def resolved_multiplicity(self, given: int | None, where: str) -> int:
        """The multiplicity: given, else stated, else that of a closed shell.

        Args:
            given: By the user, in place of the source.
            where: The source, for messages.

        Returns:
            1 + number of unpaired electrons.

        Raises:
            InputError: if it is unclear and not given, or given otherwise than it is stated.
        """
        if given is None:
            if self.unclear_spin:
                raise InputError(
                    f"{where}: {self.unclear_spin}; write multiplicity=N into the comment line of an xyz file, or give "
                    "--multiplicity N (recipe key 'multiplicity'): 1 for a closed shell, 2 for a radical"
                )
            return 1 if self.multiplicity is None else self.multiplicity
        if self.multiplicity not in (None, given) and not self.unclear_spin:
            raise InputError(
                f"{where}: {self.spin_words!r} states the multiplicity {self.multiplicity}, but {given} is given; "
                "correct one of them"
            )
        return given

    def resolved(self, given: int | None, where: str) -> tuple[int, str]:
        """The charge, and how it is known.

        Args:
            given: By the user, in place of the source.
            where: The source, for messages.

        Returns:
            The charge, e, and the words that say how it is known.

        Raises:
            InputError: if it is unclear and not given, or given otherwise than it is stated.
        """
        unclear = self.unclear or (self.doubt if self.charge is None else "")
        if given is None and unclear:
            raise InputError(
                f"{where}: {unclear}; write charge=N into the comment line of an xyz file, or give --charge N "
                "(recipe key 'charge')"
            )
        if given is None:
            return (0, NOT_STATED) if self.charge is None else (self.charge, self.words)
        if self.charge not in (None, given) and not self.unclear:
            raise InputError(
                f"{where}: {self.words!r} states the charge {self.charge}, but {given} is given; correct one of them"
            )
        return given, "given"


def of_comment(comment: str) -> Stated:
    """From a free line of text: ``charge=-2``, ``q = -2 mult=1``, ``Charge: 2-``, or charge and multiplicity alone."""
    text = comment.replace("\N{MINUS SIGN}", "-").strip()
    if len(text) > _LONGEST:
        return Stated(unclear=f"the comment line has more than {_LONGEST} characters")
    stated = Stated()
    patterns = {"charge": _CHARGE, "multiplicity": _MULTIPLICITY, "spin": _SPIN, "unpaired": _UNPAIRED}
    for kind, pattern in patterns.items():
        for match in pattern.finditer(text):
            stated |= _of_one(kind, match[1], match[0].strip(" \"'"))
    if stated != Stated():
        return stated
    if two := _TWO.fullmatch(text):
        charge, multiplicity = int(two[1]), int(two[2])
        if abs(charge) < 10 and 0 < multiplicity < 10:
            return _of_one("charge", two[1], text) | _of_one("multiplicity", two[2], text)
        return Stated(unclear=f"the comment {text!r} may state a charge")
    words = _TWO_AND_WORDS.match(text)
    if (words and (int(words[1]), int(words[2])) != (0, 1)) or _HINT.search(text):
        return Stated(unclear=f"the comment {text[:60]!r} may state a charge")
    return stated


def of_properties(properties: Mapping[str, Any]) -> Stated:
    """From named values, such as the tags of an SDF entry or the ``info`` of ASE's ``Atoms``."""
    stated = Stated()
    for name, value in properties.items():
        for kind, names in _NAMES.items():
            if name.lower() in names:
                stated |= _of_one(kind, str(value).strip(), f"{name}={str(value)[:40]}")
    return stated


def of_initial_charges(values: np.ndarray) -> Stated:
    """From ASE's ``initial_charges`` [N], whose sum is the total charge."""
    total = float(np.sum(values))
    words = f"initial_charges, sum {total:g}"
    if abs(total - round(total)) > NEARLY_WHOLE or not np.isfinite(total):
        return Stated(unclear=f"the sum of initial_charges, {total:g}, is not whole")
    return Stated(round(total), words)


def of_partial_charges(values: np.ndarray, name: str) -> Stated:
    """From charges of atoms [N] by any scheme: no statement, but without one they have to be near 0 in all.

    Args:
        values: Charges of the atoms [N], e.
        name: What they are called, for messages.

    Returns:
        Nothing, or the doubt.
    """
    total = float(np.sum(values))
    if abs(total) <= NEARLY_NEUTRAL:
        return Stated()
    return Stated(doubt=f"{name} may hold charges of the atoms, with sum {total:g}, and no total charge is stated")


def of_magnetic_moments(values: np.ndarray) -> Stated:
    """From ASE's initial magnetic moments [N] or [N, 3], whose sum is the number of unpaired electrons."""
    if not np.any(values):
        return Stated()
    total = float(np.linalg.norm(np.sum(values, axis=0)))
    words = f"initial_magmoms, sum {total:g}"
    if total < 0.5 or abs(total - round(total)) > NEARLY_WHOLE:
        return Stated(unclear_spin=f"the sum of initial_magmoms, {total:g}, is no number of unpaired electrons")
    return Stated(multiplicity=round(total) + 1, spin_words=words)


def charge_given(charges: Charges, name: str) -> int | None:
    """The charge, or multiplicity, that the user gives for a molecule of this name: one for all, or by name.

    Args:
        charges: One number for all, numbers by name, or None.
        name: Name of the molecule.

    Returns:
        The number, or None.
    """
    return charges.get(name) if isinstance(charges, Mapping) else charges


def together(statements: Sequence[Stated]) -> Stated:
    """All statements about one molecule."""
    whole = Stated()
    for statement in statements:
        whole |= statement
    return whole


def _of_one(kind: str, value: str, words: str) -> Stated:
    number = _whole_number(value)
    if number is None:
        why = f"{words!r} does not give the {kind} as a whole number"
        return Stated(unclear=why) if kind == "charge" else Stated(unclear_spin=why)
    if kind == "charge":
        return Stated(number, words)
    if kind == "spin" and number != 0:
        return Stated(unclear_spin=f"{words!r} may be S or 2S")
    return Stated(words=words, multiplicity=number + (kind != "multiplicity"), spin_words=words)


def _joined(*words: str) -> str:
    return "; ".join(dict.fromkeys(w for w in words if w))


def _whole_number(text: str) -> int | None:
    if last := _SIGN_LAST.fullmatch(text):
        return int(last[2] + last[1])
    whole = _WHOLE.fullmatch(text)
    return int(whole[1]) if whole and len(text) < 12 else None
