r"""Transient absorption: what a pump changes in the absorption of a probe.

.. math:: \boldsymbol\mu_\mathrm{probe}(t) = \boldsymbol\mu_\mathrm{pump+probe}(t) - \boldsymbol\mu_\mathrm{pump}(t),
          \qquad \Delta S(\omega, \tau) = S_\mathrm{pumped}(\omega, \tau) - S_\mathrm{unpumped}(\omega)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.analysis.absorption import mean_spectrum
from tdddft.analysis.spectrum import MIN_FRAMES, PADE_SHARPER, WINDOW_EXPONENT, Spectrum, absorption_spectrum
from tdddft.fields.base import GaussianPulses
from tdddft.fields.pump_probe import REACH, pump_center_fs
from tdddft.fields.serialization import FieldSum, field_to_dict, has_parameters
from tdddft.trajectory import FieldInfo, Trajectory
from tdddft.units import AU_TIME_FS, HARTREE_EV


@dataclass(frozen=True, eq=False)
class TransientAbsorption:
    """Absorption of a probe with and without a pump, along the probe or averaged over its directions.

    Args:
        delays_fs: From the centre of the pump to that of the probe, rising, float64 [D].
        unpumped: The spectrum of the molecule left alone.
        pumped: The spectrum at each delay, on the same axis.
    """

    delays_fs: np.ndarray
    unpumped: Spectrum
    pumped: tuple[Spectrum, ...]

    @property
    def difference_per_hartree(self) -> np.ndarray:
        """Strength function with less that without the pump, float64 [D, W], 1/hartree; negative where it bleaches."""
        return np.array([s.strength_per_hartree - self.unpumped.strength_per_hartree for s in self.pumped])


def transient_absorption(
    trajectories: Mapping[str, Trajectory],
    *,
    hwhm_ev: float | None = None,
    max_energy_ev: float = 30.0,
    pade: bool = False,
) -> TransientAbsorption:
    """Difference spectra of a set of runs: pump alone, probe alone, and both at one delay or several.

    Args:
        trajectories: By name, of one molecule at the same times, as a recipe with the field ``pump_probe`` makes them.
            Which is which follows from their fields.
        hwhm_ev: Half width of the lines, eV; by default 2.5 eV fs over the time that the latest probe leaves, a fifth
            of that with ``pade``.
        max_energy_ev: Upper end of the axis, eV.
        pade: Continue the signals by Padé approximants.

    Returns:
        The spectra by delay; with probes along several directions their mean.

    Raises:
        InputError: for runs of more than one molecule, a missing run, and a probe that the frames do not resolve.
    """
    runs = dict(trajectories)
    _check_same(runs)
    pairs = {name: fields for name, t in runs.items() if (fields := _pump_and_probe(t)) is not None}
    if not pairs:
        raise InputError("no trajectory holds a pump and a probe: its field must be the sum of the two, in this order")
    alone = [t for name, t in runs.items() if name not in pairs]
    left = min(runs[name].times_fs[-1] - probe.center_fs for name, (_, probe) in pairs.items())
    if left <= 0:
        raise InputError("a probe lies behind the last frame: propagate longer")
    width = hwhm_ev or WINDOW_EXPONENT * AU_TIME_FS / left * HARTREE_EV * (PADE_SHARPER if pade else 1.0)
    transform = partial(absorption_spectrum, hwhm_ev=width, max_energy_ev=max_energy_ev, pade=pade)
    unpumped: dict[tuple[float, ...], Spectrum] = {}
    pumped: dict[float, list[Spectrum]] = {}
    for name, (pump, probe) in pairs.items():
        background = _find(alone, pump, f"the pump of {name}")
        if probe.direction not in unpumped:
            reference = _find(alone, probe, f"the probe of {name}")
            induced = reference.replace(dipole_au=reference.dipole_au - reference.dipole_au[0])
            unpumped[probe.direction] = transform(_after_probe(induced, reference.field.source, left))
        induced = runs[name].replace(dipole_au=runs[name].dipole_au - background.dipole_au)
        delay = round(probe.center_fs - pump_center_fs(pump), 9)
        pumped.setdefault(delay, []).append(transform(_after_probe(induced, probe, left)))
    if any(len(found) != len(unpumped) for found in pumped.values()):
        raise InputError("not every delay was probed along the same directions")
    delays = sorted(pumped)
    return TransientAbsorption(
        np.array(delays), mean_spectrum(list(unpumped.values())), tuple(mean_spectrum(pumped[d]) for d in delays)
    )


def _after_probe(t: Trajectory, probe: Any, left_fs: float) -> Trajectory:
    """An induced dipole as if the probe were the only field, from its beginning to ``left_fs`` after its centre."""
    sampled = t.field_times_fs[1] - t.field_times_fs[0]
    if sampled > 2 * probe.sigma_fs * (1 + 1e-9):
        raise InputError(
            f"{t.name}: field samples {sampled:.3g} fs apart do not resolve a probe of {probe.sigma_fs:g} fs; lower "
            "propagation.dt_fs"
        )
    tiny = 1e-9 * sampled
    first = int(np.searchsorted(t.times_fs, probe.center_fs - REACH * probe.sigma_fs + tiny, side="right")) - 1
    last = int(np.searchsorted(t.times_fs, probe.center_fs + left_fs + tiny, side="right"))
    if last - first < MIN_FRAMES:
        raise InputError(f"{t.name}: {last - first} frames after the probe are too few for a spectrum")
    origin = t.times_fs[first]
    alone = replace(probe, center_fs=float(probe.center_fs - origin))
    times = t.field_times_fs[t.field_times_fs >= origin - tiny] - origin
    return t.replace(
        times_fs=t.times_fs[first:last] - origin, dipole_au=t.dipole_au[first:last], field_times_fs=times,
        field_au=alone.at(times), field_impulse_au=np.zeros(3), field=FieldInfo(alone),
    )  # fmt: skip


def _check_same(runs: Mapping[str, Trajectory]) -> None:
    first = next(iter(runs), None)
    if first is None:
        raise InputError("no trajectories")
    arrays = ("numbers", "positions_angstrom", "times_fs")
    for name, t in runs.items():
        other = any(not np.array_equal(getattr(t, a), getattr(runs[first], a)) for a in arrays)
        if other or t.method != runs[first].method:
            raise InputError(f"{name}: another molecule, geometry, level of theory or times than {first}")
        if (t.provenance.propagator or "").startswith("linear,"):
            raise InputError(f"{name}: propagated to first order in the field, where a pump changes nothing")


def _pump_and_probe(t: Trajectory) -> tuple[Any, GaussianPulses] | None:
    source = t.field.source
    if isinstance(source, FieldSum) and len(source.fields) == 2 and isinstance(source.fields[1], GaussianPulses):
        return source.fields[0], source.fields[1]
    return None


def _find(alone: Sequence[Trajectory], field: Any, what: str) -> Trajectory:
    """The trajectory under a field alone; a probe may be at any time, as the molecule left alone does not change."""
    for t in alone:
        if has_parameters(t.field.source) and _timeless(t.field.source, field) == _timeless(field, field):
            return t
    raise InputError(f"{what} alone is missing among the trajectories")


def _timeless(field: Any, like: Any) -> dict[str, Any]:
    data = field_to_dict(field)
    unipolar = isinstance(like, GaussianPulses) and not any(like.frequencies_per_fs)
    return {key: value for key, value in data.items() if not (unipolar and key == "center_fs")}
