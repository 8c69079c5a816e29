"""Cells in the comment lines of extended xyz files: only molecules by themselves are simulated."""

from __future__ import annotations

import itertools
import re

import numpy as np
from scipy.spatial import cKDTree

from graphlearn.base.errors import InputError

_NEIGHBOURS = np.array([n for n in itertools.product((-1, 0, 1), repeat=3) if n > (0, 0, 0)])  # of each pair one
APART_ANGSTROM = 10.0  # images at least so far from each other are those of a molecule in a box


def value_of(key: str) -> re.Pattern[str]:
    """Pattern of ``key=value`` with a value in quotes or without blanks; :func:`text_of` gives the value."""
    return re.compile(rf"""\b{key}\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S*))""", re.IGNORECASE)


def text_of(match: re.Match[str]) -> str:
    """Value of a match of :func:`value_of`."""
    return next((group for group in match.groups() if group is not None), "")


_LATTICE, _PBC = value_of("lattice"), value_of("pbc")


def check_cell(comment: str, positions_angstrom: np.ndarray, scale: float, where: str) -> None:
    """Refuse a periodic cell: one with ``pbc`` true, or, where ``pbc`` is not stated, one with images that are near.

    Args:
        comment: Comment line.
        positions_angstrom: [N, 3].
        scale: Angstrom per unit of length of the file.
        where: File and line, for messages.

    Raises:
        InputError: if it is periodic, or the lattice is not nine numbers.
    """
    lattice, pbc = _LATTICE.search(comment), _PBC.search(comment)
    if pbc is not None:
        periodic = any(word[:1] in "TtYy1" for word in re.split(r"[\s,\[\]]+", text_of(pbc)) if word)
    else:
        periodic = lattice is not None and _images_are_near(text_of(lattice), positions_angstrom, scale, where)
    if periodic:
        raise InputError(
            f"{where}: the cell is periodic, and only molecules by themselves are simulated; if the cell is only a "
            'box, write pbc="F F F" into the comment line'
        )


def without_cell(comment: str) -> str:
    """The comment without its cell."""
    return _PBC.sub(" ", _LATTICE.sub(" ", comment))


def _images_are_near(lattice: str, positions: np.ndarray, scale: float, where: str) -> bool:
    try:
        vectors = scale * np.array(lattice.split(), dtype=np.float64).reshape(3, 3)
    except ValueError:
        raise InputError(f"{where}: Lattice={lattice[:60]!r} is not nine numbers") from None
    if not np.isfinite(vectors).all() or not np.isfinite(positions).all():
        raise InputError(f"{where}: the cell or the positions hold NaN or infinity")
    shifts = _NEIGHBOURS @ vectors
    extent = np.linalg.norm(np.ptp(positions, axis=0))
    if np.linalg.norm(shifts, axis=1).min() - extent >= APART_ANGSTROM:
        return False
    images = (positions + shifts[:, None]).reshape(-1, 3)
    return bool(np.min(cKDTree(positions).query(images)[0]) < APART_ANGSTROM)
