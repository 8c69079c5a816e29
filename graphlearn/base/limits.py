"""Bounds on what is read, which an environment variable raises."""

from __future__ import annotations

import os

from graphlearn.base.errors import InputError

ATOMS_VARIABLE = "GRAPHLEARN_MAX_ATOMS"
DEFAULT_MAX_ATOMS = 1000


def limit(variable: str, default: float, unit: str) -> float:
    """Value of an environment variable, or the default where it is not set.

    Args:
        variable: Its name.
        default: The limit without it.
        unit: Of the number, for messages.

    Returns:
        The limit, in that unit.

    Raises:
        InputError: if it is not a positive number.
    """
    text = os.environ.get(variable, str(default))
    try:
        value = float(text)
        if not 0 < value < 1e9:
            raise ValueError
    except ValueError:
        raise InputError(f"{variable}={text!r}: a positive number of {unit} is expected") from None
    return value


def check_atoms(count: int, where: object) -> None:
    """Refuse a molecule of more atoms than 1,000, or ``GRAPHLEARN_MAX_ATOMS``, before anything of its size is made.

    Args:
        count: Number of atoms.
        where: What holds them, for the message.

    Raises:
        InputError: that names the limit and the variable which raises it.
    """
    most = int(limit(ATOMS_VARIABLE, DEFAULT_MAX_ATOMS, "atoms"))
    if count > most:
        raise InputError(
            f"{where}: {count} atoms are more than the limit of {most}; if you have the memory for it, set the "
            f"environment variable {ATOMS_VARIABLE} higher"
        )
