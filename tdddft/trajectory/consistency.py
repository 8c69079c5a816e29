"""Whether the values of a trajectory make sense together; a file in which they do not is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphlearn.base.errors import ContractError, InputError
from tdddft.molecules.molecule import SYMBOLS
from tdddft.trajectory.contract import ARRAYS, KINDS, Trajectory

LARGEST_L = 7


def check_values(t: Trajectory, path: Path, *, finite: bool) -> None:
    """ContractError unless the values of a trajectory make sense together.

    Args:
        t: The trajectory, of the right types and shapes.
        path: Where it came from, for messages.
        finite: Whether NaN and infinite numbers are refused.
    """
    if t.kind not in KINDS:
        raise ContractError(f"{path}: attribute 'kind' is {t.kind[:40]!r}, expected {' or '.join(KINDS)}")
    if t.numbers.min() < 1 or t.numbers.max() >= len(SYMBOLS):
        raise ContractError(f"{path}: atomic numbers must lie between 1 and {len(SYMBOLS) - 1}")
    atom, l, radial, m = t.ao_table.T
    fits = (atom >= 0) & (atom < len(t.numbers)) & (l >= 0) & (l <= LARGEST_L) & (radial >= 0) & (np.abs(m) <= l)
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise ContractError(f"{path}: row {row} of ao_table, {t.ao_table[row].tolist()}, is no orbital of the molecule")
    if len(np.unique(t.ao_table, axis=0)) < len(t.ao_table):
        raise ContractError(f"{path}: ao_table names an orbital twice")
    if len(t.occupations) > len(t.ao_table):
        raise ContractError(f"{path}: {len(t.occupations)} occupied orbitals, but {len(t.ao_table)} atomic orbitals")
    ions = t.ground_state.ion_charges
    if ions is not None and len(ions) != len(t.numbers):
        raise ContractError(f"{path}: ion_charges of ground_state must be {len(t.numbers)} finite numbers")
    _check_field(t, path)
    bad = not_finite(t) if finite else {}
    if bad:
        named = ", ".join(f"{name} ({count})" for name, count in bad.items())
        raise ContractError(f"{path}: NaN or infinite values in {named}; generate it again")


def not_finite(t: Trajectory) -> dict[str, int]:
    """How many NaN and infinite values each array holds; a prediction may be without an energy."""
    left_out = {"energy_hartree"} if t.kind == "predicted" else set()
    counts = {n: int((~np.isfinite(getattr(t, n))).sum()) for n in ARRAYS if n not in left_out}
    return {name: count for name, count in counts.items() if count}


def _check_field(t: Trajectory, path: Path) -> None:
    if t.field.source is None:
        return
    try:
        values = np.asarray(t.field.source.at(t.field_times_fs[:1]), dtype=np.float64)
        if values.shape != (1, 3):
            raise InputError(f"it has {values.shape} values at one time")
    except (InputError, TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as error:
        raise ContractError(f"{path}: the parameters of the field are not readable ({error})") from None
