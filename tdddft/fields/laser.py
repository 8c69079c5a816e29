"""Laser pulses: a carrier of any polarisation under an envelope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.fields.base import coerce_numbers, require_scalars
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS, HARTREE_EV

Envelope = Literal["gaussian", "sin2", "trapezoid", "cw"]


def idle_parameters(envelope: object) -> dict[str, str]:
    """Parameters of :class:`Laser` that its envelope does not use, and why."""
    if envelope == "cw":
        return {"duration_fs": "a cw laser stays on"}
    if envelope in ("gaussian", "sin2", None):
        return {"ramp_fs": f"the envelope {envelope or 'sin2'} has no ramps"}
    return {}


@dataclass(frozen=True)
class Laser:
    r"""A carrier under an envelope, with a complex polarisation.

    .. math:: \mathbf{E}(t) = g(t)\, [\mathbf{a} \cos\theta + \mathbf{b} \sin\theta], \quad
              \theta = \omega (t - t_c) + \phi

    a alone polarises linearly along a; a and b of equal length at right angles polarise circularly. Envelopes g, all
    between 0 and 1, from the start t_s over the duration d: ``gaussian`` (centre t_s + d/2, standard deviation d/6, and
    no cut), ``sin2`` (sin^2(pi (t - t_s)/d)), ``trapezoid`` (linear ramps of ``ramp_fs`` at both ends), ``cw`` (linear
    ramp, then on for ever). t_c is the centre t_s + d/2, for ``cw`` the start.

    Args:
        photon_energy_ev: Energy of the carrier, eV.
        cosine_v_per_angstrom: Amplitude vector a, V/angstrom.
        sine_v_per_angstrom: Amplitude vector b, V/angstrom.
        envelope: One of the four.
        start_fs: Start t_s, fs.
        duration_fs: Duration d, fs; not of ``cw``.
        ramp_fs: Length of the ramps of ``trapezoid`` and ``cw``, fs.
        phase: Carrier phase phi, radians.

    Raises:
        InputError: for an unknown envelope, a non-positive duration, ramps longer than the pulse, and a duration or
            ramps that the envelope does not have.
    """

    photon_energy_ev: float
    cosine_v_per_angstrom: tuple[float, float, float] = (0.0, 0.0, 0.01)
    sine_v_per_angstrom: tuple[float, float, float] = (0.0, 0.0, 0.0)
    envelope: Envelope = "sin2"
    start_fs: float = 0.0
    duration_fs: float = 2.0
    ramp_fs: float = 0.0
    phase: float = 0.0
    kind: ClassVar[str] = "laser"

    def __post_init__(self) -> None:
        coerce_numbers(
            self, "photon_energy_ev", "cosine_v_per_angstrom", "sine_v_per_angstrom", "start_fs", "duration_fs",
            "ramp_fs", "phase",
        )  # fmt: skip
        require_scalars(
            self.kind, photon_energy_ev=self.photon_energy_ev, start_fs=self.start_fs, duration_fs=self.duration_fs,
            ramp_fs=self.ramp_fs, phase=self.phase,
        )  # fmt: skip
        if np.shape(self.cosine_v_per_angstrom) != (3,) or np.shape(self.sine_v_per_angstrom) != (3,):
            raise InputError("laser: cosine_v_per_angstrom and sine_v_per_angstrom are vectors of three numbers")
        if self.envelope not in ("gaussian", "sin2", "trapezoid", "cw"):
            raise InputError(f"unknown envelope {self.envelope!r}; choose gaussian, sin2, trapezoid or cw")
        for name, why in idle_parameters(self.envelope).items():
            if getattr(self, name) != getattr(type(self), name):
                raise InputError(f"laser: {name} has no effect: {why}")
        if self.duration_fs <= 0 or self.ramp_fs < 0:
            raise InputError(f"a {self.envelope} pulse needs a positive duration_fs, and a ramp_fs of at least 0")
        if self.envelope == "trapezoid" and 2 * self.ramp_fs > self.duration_fs:
            raise InputError(f"two ramps of {self.ramp_fs:g} fs do not fit into {self.duration_fs:g} fs")

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0: none."""
        return np.zeros(3)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """Start and end of a pulse, and the ends of its ramps."""
        if self.envelope == "gaussian":
            return ()
        marks = {self.start_fs, self.start_fs + self.ramp_fs}
        if self.envelope != "cw":
            marks |= {self.start_fs + self.duration_fs - self.ramp_fs, self.start_fs + self.duration_fs}
        return tuple(sorted(marks))

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        since = np.asarray(times_fs, dtype=np.float64) - self.start_fs
        center = 0.0 if self.envelope == "cw" else 0.5 * self.duration_fs
        angle = self.photon_energy_ev / HARTREE_EV / AU_TIME_FS * (since - center) + self.phase
        amplitudes = np.outer(np.cos(angle), self.cosine_v_per_angstrom) + np.outer(
            np.sin(angle), self.sine_v_per_angstrom
        )
        return self._envelope(since)[:, None] * amplitudes / AU_FIELD_V_PER_ANGSTROM

    def _envelope(self, since: np.ndarray) -> np.ndarray:
        d = self.duration_fs
        if self.envelope == "gaussian":
            return np.exp(-((since - 0.5 * d) ** 2) / (2 * (d / 6) ** 2))
        if self.envelope == "sin2":
            return np.where((since >= 0) & (since <= d), np.sin(np.pi * since / d) ** 2, 0.0)
        rise = np.clip(since / self.ramp_fs, 0.0, 1.0) if self.ramp_fs else (since >= 0).astype(np.float64)
        if self.envelope == "cw":
            return rise
        fall = np.clip((d - since) / self.ramp_fs, 0.0, 1.0) if self.ramp_fs else (since <= d).astype(np.float64)
        return np.minimum(rise, fall)
