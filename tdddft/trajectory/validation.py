"""Is a trajectory true to the contract? What a file must keep to be read, and one result per rule of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphlearn.base.errors import ContractError
from tdddft.molecules.molecule import SYMBOLS
from tdddft.trajectory.contract import (
    ARRAYS,
    KINDS,
    Trajectory,
    electronic_dipole_au,
    electrons_lost,
    orthonormal_basis,
    orthonormality_error,
)

DIPOLE_TOLERANCE_OF_RANGE = 1e-4
ORTHONORMALITY_TOLERANCE = 1e-6
ENERGY_DRIFT_TOLERANCE_HARTREE = 1e-6
ENERGY_DRIFT_TOLERANCE_OF_RANGE = 1e-3  # strong fields: of the energy that moved
AUFBAU_TOLERANCE_HARTREE = 1e-4
FIELD_OFF_OF_PEAK = 1e-4
IONISED_TOLERANCE = 1e-5  # of the stored charge, electrons
LARGEST_L = 7


@dataclass(frozen=True)
class RuleResult:
    """The outcome of one rule: ``passed`` is None where the rule does not apply."""

    rule: str
    passed: bool | None
    detail: str


def validate(trajectory: Trajectory) -> list[RuleResult]:
    """Check a trajectory by every rule of the contract.

    Rules: all numbers finite; times increase; the SCF converged; the occupied orbitals are the lowest of the stored
    Fock matrix (to 1e-4 hartree); the dipole recomputed from the written coefficients equals the stored one to 1e-4 of
    its range (or to the rounding of the stored precision, where that is coarser);
    S-orthonormality error below 1e-6; energy drift after the field below 1e-6 hartree, or in strong fields below 1e-3
    of the range of the energy. Under an absorber norms must not grow instead. The energy rule does not apply to
    predicted trajectories, which store none, nor under an absorber, which takes energy away. Where numbers are not
    finite, no other rule is tried.

    Args:
        trajectory: As it was read, also with NaN and infinite numbers.

    Returns:
        One result per rule.
    """
    t = trajectory
    bad = not_finite(t)
    where = f" in {', '.join(bad)}" if bad else ""
    finite = RuleResult("finite numbers", not bad, f"{sum(bad.values())} NaN or infinite values{where}")
    if bad:
        return [finite]
    increasing = bool((np.diff(t.times_fs) > 0).all() and (np.diff(t.field_times_fs) > 0).all())
    converged = t.ground_state.converged
    return [
        finite,
        RuleResult("times increase", increasing, f"{len(t.times_fs)} frames to {t.times_fs[-1]:.4g} fs"),
        RuleResult("SCF converged", converged, "converged" if converged else "not converged"),
        _aufbau(t),
        _dipole(t),
        _orthonormality(t),
        _energy(t),
    ]


def failures(trajectory: Trajectory) -> list[str]:
    """One line for every rule that the trajectory breaks."""
    return [f"{v.rule}: {v.detail}" for v in validate(trajectory) if v.passed is False]


def field_end_index(trajectory: Trajectory) -> int:
    """Index of the first frame after which the field stays below 1e-4 of its peak."""
    strength = np.linalg.norm(trajectory.field_au, axis=1)
    if strength.max() == 0.0:
        return 0
    last = trajectory.field_times_fs[np.nonzero(strength > FIELD_OFF_OF_PEAK * strength.max())[0][-1]]
    return int(np.searchsorted(trajectory.times_fs, last, side="right"))


def _aufbau(t: Trajectory) -> RuleResult:
    r"""Whether no orbital of :math:`F C = S C \varepsilon` that is left empty lies below an occupied one."""
    half, above = orthonormal_basis(t.overlap), 0.0
    for chosen, fock in t.channels:
        coefficients = t.coefficients[chosen]
        lowest = np.linalg.eigvalsh(half.T @ fock @ half)[: len(coefficients)]
        occupied = np.linalg.eigvalsh(coefficients @ fock @ coefficients.T)
        differences = np.abs(occupied - lowest) if len(lowest) == len(occupied) else np.array([np.inf])
        above = max(above, float(differences.max(initial=0.0)))
    return RuleResult(
        "lowest orbitals occupied", above < AUFBAU_TOLERANCE_HARTREE, f"{above:.1e} hartree from the lowest orbitals"
    )


def _orthonormality(t: Trajectory) -> RuleResult:
    """Whether orbitals are orthonormal; under an absorber, whether no combination of them gains norm."""
    if t.provenance.absorber is None:
        error = float(orthonormality_error(t.frame_coefficients, t.overlap, t.spins).max())
        return RuleResult("S-orthonormality", error < ORTHONORMALITY_TOLERANCE, f"largest deviation {error:.1e}")
    c = t.frame_coefficients.astype(np.complex128)
    gram = c.conj() @ t.overlap @ np.swapaxes(c, -1, -2)
    if t.spins is not None:
        gram = gram * (t.spins[:, None] == t.spins)
    norms, lost = np.linalg.eigvalsh(gram), electrons_lost(c, t)  # rising
    gained = max(0.0, float(norms.max() - 1.0), float(-np.diff(lost).min(initial=0.0)))
    sound = gained < ORTHONORMALITY_TOLERANCE and norms.min() > -ORTHONORMALITY_TOLERANCE
    if t.ionised_charge is not None:
        sound = sound and np.abs(lost - t.ionised_charge).max() < IONISED_TOLERANCE
    detail = f"{lost[-1]:.4g} electrons absorbed, largest gain {gained:.1e}"
    return RuleResult("norm under the absorber", bool(sound), detail)


def _dipole(t: Trajectory) -> RuleResult:
    recomputed = electronic_dipole_au(t.frame_coefficients, t) + t.nuclear_dipole_au
    error = float(np.abs(recomputed - t.dipole_au).max())
    span = float(np.ptp(t.dipole_au, axis=0).max())
    tolerance = max(DIPOLE_TOLERANCE_OF_RANGE * span, _dipole_rounding_au(t))
    return RuleResult("dipole from coefficients", error <= tolerance, f"differs by {error:.1e} au, range {span:.1e} au")


def _dipole_rounding_au(t: Trajectory) -> float:
    """Five standard deviations of the dipole's error when every coefficient is rounded to the stored precision."""
    relative = np.finfo(t.frame_coefficients.dtype).eps / np.sqrt(12.0)
    c = t.coefficients
    gradient = 2 * t.occupations[:, None] * np.abs(np.einsum("xab,sb->xsa", t.dipole_ao_au, c))
    return float(5 * relative * np.sqrt(((gradient * np.abs(c)) ** 2).sum(axis=(1, 2))).max())


def _energy(t: Trajectory) -> RuleResult:
    rule = "energy after the field"
    if t.kind != "simulated":
        return RuleResult(rule, None, "a prediction stores no energy")
    if t.provenance.absorber is not None:
        return RuleResult(rule, None, "an absorber takes energy away")
    after = t.energy_hartree[field_end_index(t) :]
    if len(after) < 2:
        return RuleResult(rule, None, "the field acts to the end")
    drift = float(np.ptp(after))
    tolerance = max(ENERGY_DRIFT_TOLERANCE_HARTREE, ENERGY_DRIFT_TOLERANCE_OF_RANGE * float(np.ptp(t.energy_hartree)))
    return RuleResult(rule, drift < tolerance, f"drift {drift:.1e} hartree over {len(after)} frames")


def check_values(t: Trajectory, path: Path, *, finite: bool) -> None:
    """Refuse a trajectory unless the values of a trajectory make sense together.

    Args:
        t: The trajectory, of the right types and shapes.
        path: Where it came from, for messages.
        finite: Whether NaN and infinite numbers are refused.

    Raises:
        ContractError: with the first rule that is broken.
    """
    atom, l, radial, m = t.ao_table.T
    fits = (atom >= 0) & (atom < len(t.numbers)) & (l >= 0) & (l <= LARGEST_L) & (radial >= 0) & (np.abs(m) <= l)
    row = int(fits.argmin())
    ions = t.ground_state.ion_charges
    bad = not_finite(t) if finite else {}
    named = ", ".join(f"{name} ({count})" for name, count in bad.items())
    rules = (
        (t.kind in KINDS, f"attribute 'kind' is {t.kind[:40]!r}, expected {' or '.join(KINDS)}"),
        (
            t.numbers.min() >= 1 and t.numbers.max() < len(SYMBOLS),
            f"atomic numbers must lie between 1 and {len(SYMBOLS) - 1}",
        ),
        (fits.all(), f"row {row} of ao_table, {t.ao_table[row].tolist()}, is no orbital of the molecule"),
        (len(np.unique(t.ao_table, axis=0)) == len(t.ao_table), "ao_table names an orbital twice"),
        (
            max(mask.sum() for mask, _ in t.channels) <= len(t.ao_table),
            f"{len(t.occupations)} occupied orbitals, but {len(t.ao_table)} atomic orbitals",
        ),
        (t.spins is None or set(t.spins.tolist()) <= {1, -1}, "spins must be 1 or -1"),
        (
            all(0 <= i < len(t.numbers) for i in t.molecule.ghosts),
            f"ghosts of molecule are not among the {len(t.numbers)} atoms",
        ),
        (
            ions is None or len(ions) == len(t.numbers),
            f"ion_charges of ground_state must be {len(t.numbers)} finite numbers",
        ),
        (not bad, f"NaN or infinite values in {named}; generate it again"),
    )
    for holds, why in rules:
        if not holds:
            raise ContractError(f"{path}: {why}")


def not_finite(t: Trajectory) -> dict[str, int]:
    """How many NaN and infinite values each array holds; a prediction may be without an energy."""
    left_out = {"energy_hartree"} if t.kind == "predicted" else set()
    left_out |= {n for n, stored in ARRAYS.items() if stored.only and getattr(t, n) is None}
    counts = {n: int((~np.isfinite(getattr(t, n))).sum()) for n in ARRAYS if n not in left_out}
    return {name: count for name, count in counts.items() if count}
