"""How many atoms a structure may hold: what is computed of a chain grows with the square of them."""

from __future__ import annotations

import os

from graphlearn.base.errors import InputError

LIMIT_VARIABLE = "GRAPHLEARN_MAX_ATOMS"
DEFAULT_LIMIT = 99_999
CHAINS_OF_A_FILE = 10
ATOMS_OF_A_RESIDUE = 8
BYTES_OF_AN_ATOM = 200


def atom_limit() -> int:
    """Atoms that one chain may hold, solvent aside: 99,999, or ``GRAPHLEARN_MAX_ATOMS``.

    Returns:
        Number of atoms.

    Raises:
        InputError: if the variable is not a positive whole number.
    """
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**12):
        raise InputError(f"{LIMIT_VARIABLE}={text!r}: a positive whole number of atoms is expected")
    return int(text)


def residue_limit() -> int:
    """Residues of a chain that :func:`atom_limit` atoms make, eight heavy atoms each; one at least."""
    return max(atom_limit() // ATOMS_OF_A_RESIDUE, 1)


def check_count(count: int, limit: int, problem: str) -> None:
    """Refuse what is larger than a limit.

    Args:
        count: Of atoms, residues or bytes.
        limit: Most that may be.
        problem: What is too large, for the message.

    Raises:
        InputError: that names the variable that raises the limit.
    """
    if count > limit:
        raise InputError(
            f"{problem}; if the memory holds it, set the environment variable {LIMIT_VARIABLE} higher than "
            f"{atom_limit():,}"
        )


def check_content(content: bytes, where: str) -> None:
    """Refuse a file of more atoms, or of more text, than ten such chains have, before it is parsed.

    Args:
        content: The unpacked file.
        where: Name of the file, for the message.

    Raises:
        InputError: that names the limit and the variable that raises it.
    """
    limit = CHAINS_OF_A_FILE * atom_limit()
    megabytes = len(content) / 1e6
    check_count(len(content), BYTES_OF_AN_ATOM * limit, f"{where}: {megabytes:.0f} MB, more than {limit:,} atoms need")
    lines = (content.count(b"\n" + name) + content.startswith(name) for name in (b"ATOM", b"HETATM"))
    check_file_atoms(sum(lines), where)


def check_file_atoms(count: int, where: str) -> None:
    """Refuse a file of more atoms than ten chains may have.

    Args:
        count: Atoms of all models of the file.
        where: Name of the file, for the message.

    Raises:
        InputError: that names the limit and the variable that raises it.
    """
    limit = CHAINS_OF_A_FILE * atom_limit()
    check_count(count, limit, f"{where}: {count:,} atoms, more than {limit:,} in all models")
