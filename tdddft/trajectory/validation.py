"""Is a trajectory true to the contract? One result per rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdddft.trajectory.consistency import not_finite
from tdddft.trajectory.contract import Trajectory, electronic_dipole_au, orthonormality_error

DIPOLE_TOLERANCE_OF_RANGE = 1e-4
ORTHONORMALITY_TOLERANCE = 1e-6
ENERGY_DRIFT_TOLERANCE_HARTREE = 1e-6
AUFBAU_TOLERANCE_HARTREE = 1e-4
SMALLEST_OVERLAP = 1e-6  # eigenvalue of S below which PySCF drops a combination of basis functions
FIELD_OFF_OF_PEAK = 1e-4


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
    S-orthonormality error below 1e-6; energy drift after the field below 1e-6 hartree. The energy rule does not apply
    to predicted trajectories, which store none. Where numbers are not finite, no other rule is tried.

    Args:
        trajectory: As it was read, also with NaN and infinite numbers.

    Returns:
        One result per rule.
    """
    t = trajectory
    finite = _finite(t)
    if not finite.passed:
        return [finite]
    return [finite, _times(t), _converged(t), _aufbau(t), _dipole(t), _orthonormality(t), _energy(t)]


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


def _finite(t: Trajectory) -> RuleResult:
    bad = not_finite(t)
    where = f" in {', '.join(bad)}" if bad else ""
    return RuleResult("finite numbers", not bad, f"{sum(bad.values())} NaN or infinite values{where}")


def _times(t: Trajectory) -> RuleResult:
    increasing = bool((np.diff(t.times_fs) > 0).all() and (np.diff(t.field_times_fs) > 0).all())
    return RuleResult("times increase", increasing, f"{len(t.times_fs)} frames to {t.times_fs[-1]:.4g} fs")


def _converged(t: Trajectory) -> RuleResult:
    converged = t.ground_state.converged
    return RuleResult("SCF converged", converged, "converged" if converged else "not converged")


def _aufbau(t: Trajectory) -> RuleResult:
    r"""Whether no orbital of :math:`F C = S C \varepsilon` that is left empty lies below an occupied one."""
    rule = "lowest orbitals occupied"
    if not all(np.isfinite(a).all() for a in (t.overlap, t.fock_hartree, t.coefficients)):
        return RuleResult(rule, False, "NaN or infinite values")
    weights, directions = np.linalg.eigh(t.overlap)
    kept = weights > SMALLEST_OVERLAP
    half = directions[:, kept] / np.sqrt(weights[kept])
    lowest = np.linalg.eigvalsh(half.T @ t.fock_hartree @ half)[: len(t.coefficients)]
    occupied = np.linalg.eigvalsh(t.coefficients @ t.fock_hartree @ t.coefficients.T)
    above = float(np.abs(occupied - lowest).max()) if len(lowest) == len(occupied) else np.inf
    return RuleResult(rule, above < AUFBAU_TOLERANCE_HARTREE, f"{above:.1e} hartree from the lowest orbitals")


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


def _orthonormality(t: Trajectory) -> RuleResult:
    error = float(orthonormality_error(t.frame_coefficients, t.overlap).max())
    return RuleResult("S-orthonormality", error < ORTHONORMALITY_TOLERANCE, f"largest deviation {error:.1e}")


def _energy(t: Trajectory) -> RuleResult:
    rule = "energy after the field"
    if t.kind != "simulated":
        return RuleResult(rule, None, "a prediction stores no energy")
    after = t.energy_hartree[field_end_index(t) :]
    if len(after) < 2:
        return RuleResult(rule, None, "the field acts to the end")
    drift = float(np.ptp(after))
    return RuleResult(
        rule, drift < ENERGY_DRIFT_TOLERANCE_HARTREE, f"drift {drift:.1e} hartree over {len(after)} frames"
    )
