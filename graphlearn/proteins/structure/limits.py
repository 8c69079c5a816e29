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


def check_chain_atoms(count: int, limit: int, chain: str, where: str) -> None:
    """Refuse a chain of more than ``limit`` atoms, which :func:`atom_limit` gives.

    Args:
        count: Atoms of the chain.
        limit: Most atoms of a chain.
        chain: Name of the chain, for the message.
        where: Name of the file, for the message.

    Raises:
        InputError: that names the limit and the variable that raises it.
    """
    if count > limit:
        raise InputError(f"{where}: chain {chain} has more than {limit:,} atoms{_advice()}")


def check_chain_residues(count: int, chain: str, where: str) -> None:
    """Refuse a chain of more residues than :func:`atom_limit` atoms make, eight heavy atoms each.

    Args:
        count: Residues of the chain.
        chain: Name of the chain, for the message.
        where: Name of the file, for the message.

    Raises:
        InputError: that names the limit and the variable that raises it.
    """
    limit = max(atom_limit() // ATOMS_OF_A_RESIDUE, 1)
    if count > limit:
        raise InputError(
            f"{where}: chain {chain} has {count:,} residues, more than the {limit:,} that {atom_limit():,} atoms make"
            f"{_advice()}"
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
    if len(content) > BYTES_OF_AN_ATOM * limit:
        raise InputError(f"{where}: {len(content) / 1e6:.0f} MB, more than {limit:,} atoms need{_advice()}")
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
    if count > limit:
        raise InputError(f"{where}: {count:,} atoms, more than {limit:,} in all models{_advice()}")


def _advice() -> str:
    return f"; if the memory holds it, set the environment variable {LIMIT_VARIABLE} higher than {atom_limit():,}"
