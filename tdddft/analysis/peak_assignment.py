"""Peaks of kick spectra beside the roots of linear response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tdddft.analysis.linear_response import Roots, linear_response_roots
from tdddft.analysis.spectrum import FIELD_FLOOR, Spectrum, field_direction, find_peaks, line_strengths
from tdddft.electronic.ground_state import ground_state
from tdddft.trajectory import Trajectory, level_of_theory

BRIGHT = 0.05  # of the strongest root
LEAST_SHARE = 0.5  # of a line's strength, for a peak to count as it


@dataclass(frozen=True, eq=False)
class PeakAssignment:
    """Bright lines of linear response and what the spectrum has nearest to each.

    Roots closer than the full line width count as one line at their mean, weighted by strength.

    Args:
        line_energies_ev, line_strengths: Lines of linear response, float64 [L].
        peak_energies_ev, peak_strengths: The nearest peak of at least half its strength, NaN where there is none.
        root_energies_ev, root_strengths: All roots, for figures, float64 [K].
    """

    line_energies_ev: np.ndarray
    line_strengths: np.ndarray
    peak_energies_ev: np.ndarray
    peak_strengths: np.ndarray
    root_energies_ev: np.ndarray
    root_strengths: np.ndarray

    @property
    def gaps_ev(self) -> np.ndarray:
        """Distance of each line from its peak; infinite without a peak."""
        return np.asarray(np.nan_to_num(np.abs(self.peak_energies_ev - self.line_energies_ev), nan=np.inf))


def compare_with_linear_response(
    trajectories: Mapping[str, Trajectory], spectra: Mapping[str, Spectrum], count: int
) -> dict[str, PeakAssignment]:
    """Solve linear response once for each geometry and compare every spectrum with it.

    Args:
        trajectories: Trajectories by name, all of one level of theory each.
        spectra: Spectra to compare, by the name of their trajectory; any other name, such as ``isotropic``, is averaged
            over directions and takes the geometry of the first trajectory.
        count: Number of roots of linear response.

    Returns:
        The lines and their peaks, by the names of the spectra.

    Raises:
        InputError: if the ground state cannot be rebuilt from the file.
        ConvergenceError: if it, or a root, does not converge.
    """
    solved: dict[bytes, Roots] = {}
    assignments = {}
    for name, spectrum in spectra.items():
        t = trajectories.get(name, next(iter(trajectories.values())))
        key = t.positions_angstrom.tobytes() + t.numbers.tobytes()
        if key not in solved:
            solved[key] = linear_response_roots(ground_state(*level_of_theory(t)), count)
        direction = field_direction(t) if name in trajectories else None
        assignments[name] = assign_peaks(spectrum, solved[key], direction)
    return assignments


def assign_peaks(spectrum: Spectrum, roots: Roots, direction: np.ndarray | None) -> PeakAssignment:
    """The bright lines of linear response with the nearest peak of a spectrum to each.

    Args:
        spectrum: Of a trajectory or of a tensor.
        roots: Of linear response.
        direction: Unit vector along which the spectrum was taken, float64 [3]; None for the average.

    Returns:
        One entry per bright line that the field excites.
    """
    strengths = roots.strengths(direction)
    weight = np.interp(roots.energies_ev, spectrum.energy_ev, spectrum.field_weight, right=0.0)
    bright = (strengths > BRIGHT * strengths.max()) & (weight > FIELD_FLOOR)
    lines = _merge_close_lines(roots.energies_ev[bright], strengths[bright], 2 * spectrum.hwhm_ev)
    peaks = find_peaks(spectrum, relative_height=1e-3)
    energies = np.array([e for e, _ in peaks])
    fitted = line_strengths(spectrum, energies)
    matched = np.full((2, len(lines)), np.nan)
    for row, (energy, strength) in enumerate(lines):
        distances = np.where(fitted > LEAST_SHARE * strength, np.abs(energies - energy), np.inf)
        if len(distances) and np.isfinite(distances.min()):
            matched[:, row] = energies[distances.argmin()], fitted[distances.argmin()]
    line_energies, line_f = (np.array([line[i] for line in lines]) for i in (0, 1))
    return PeakAssignment(line_energies, line_f, matched[0], matched[1], roots.energies_ev, strengths)


def _merge_close_lines(energies: np.ndarray, strengths: np.ndarray, width: float) -> list[tuple[float, float]]:
    lines = np.stack([energies, strengths], axis=1)
    groups = [g.tolist() for g in np.split(lines, np.flatnonzero(np.diff(energies) >= width) + 1) if len(g)]
    totals = [sum(f for _, f in group) for group in groups]
    return [(sum(e * f for e, f in g) / total, total) for g, total in zip(groups, totals, strict=True)]
