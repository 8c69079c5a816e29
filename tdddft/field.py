r"""Uniform external electric fields E(t) in the length gauge.

The electrons feel :math:`V_\mathrm{ext}(t) = \mathbf{E}(t)\cdot\mathbf{r}` (charge -1, atomic units).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from tdddft.errors import InputError
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS, HARTREE_EV

Envelope = Literal["gaussian", "sin2", "trapezoid", "cw"]


class Field(Protocol):
    """Anything that has a field at every time, and perhaps an impulse at t = 0."""

    kind: ClassVar[str]

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0, float64 [3], atomic units of field times time."""
        ...

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """Times at which the field jumps; steps of chosen length end there."""
        ...

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        ...


def unit_vector(direction: Sequence[float]) -> np.ndarray:
    """The direction as a float64 [3] unit vector; InputError for a zero or non-finite one."""
    vector = np.asarray(direction, dtype=np.float64)
    length = np.linalg.norm(vector) if vector.shape == (3,) else np.nan
    if not np.isfinite(length) or length == 0.0:
        raise InputError(f"field direction {direction!r} must be three finite numbers, not all zero")
    return vector / length


@dataclass(frozen=True)
class Kick:
    r"""A delta kick :math:`\mathbf{E}(t) = \kappa\,\hat{n}\,\delta(t)`, or a rectangular pulse of the same impulse.

    With ``width_fs=0`` the occupied orbitals are multiplied by :math:`e^{-i\kappa\hat{n}\cdot\mathbf{r}}` at t = 0;
    otherwise the field is :math:`\kappa/w` for :math:`0 \le t < w`. NWChem's kick of strength K with time step dt is
    ``Kick(K * dt / 2, direction, width_fs=dt)``.

    Args:
        strength_au: Impulse kappa, atomic units of field times time.
        direction: Direction of the field; normalised.
        width_fs: Duration of the rectangular pulse, fs.
    """

    strength_au: float
    direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    width_fs: float = 0.0
    kind: ClassVar[str] = "kick"

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0, float64 [3] (zero for a pulse of finite width)."""
        return unit_vector(self.direction) * (self.strength_au if self.width_fs == 0.0 else 0.0)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """The end of a rectangular pulse."""
        return (self.width_fs,) if self.width_fs else ()

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        times = np.asarray(times_fs, dtype=np.float64)
        if self.width_fs == 0.0:
            return np.zeros((len(times), 3))
        inside = (times >= 0.0) & (times < self.width_fs)
        return inside[:, None] * unit_vector(self.direction) * (self.strength_au * AU_TIME_FS / self.width_fs)


@dataclass(frozen=True)
class GaussianPulses:
    r"""A sum of Gaussian-enveloped cosines along one direction.

    .. math:: \mathbf{E}(t) = \hat{n} \sum_k A \cos(2\pi f_k (t - t_0))\, e^{-(t - t_0)^2 / 2\sigma^2}

    The defaults are the two-pulse field of OrbEvo (arXiv 2603.03511, section on data generation).

    Args:
        direction: Direction of the field; normalised.
        amplitude_v_per_angstrom: Amplitude A of each pulse, V/angstrom.
        frequencies_per_fs: Carrier frequencies f_k, 1/fs.
        sigma_fs: Width of the envelope, fs.
        center_fs: Centre t_0 of the envelope, fs.
    """

    direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    amplitude_v_per_angstrom: float = 0.01
    frequencies_per_fs: tuple[float, ...] = (3.66, 1.22)
    sigma_fs: float = 0.2
    center_fs: float = 0.75
    kind: ClassVar[str] = "gaussian_pulses"

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0: none."""
        return np.zeros(3)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """No jumps."""
        return ()

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        shifted = np.asarray(times_fs, dtype=np.float64) - self.center_fs
        carrier = np.cos(2 * np.pi * np.outer(shifted, self.frequencies_per_fs)).sum(axis=1)
        envelope = np.exp(-(shifted**2) / (2 * self.sigma_fs**2))
        strength = self.amplitude_v_per_angstrom / AU_FIELD_V_PER_ANGSTROM * carrier * envelope
        return strength[:, None] * unit_vector(self.direction)


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
        duration_fs: Duration d, fs; not used by ``cw``.
        ramp_fs: Length of the ramps of ``trapezoid`` and ``cw``, fs.
        phase: Carrier phase phi, radians.

    Raises:
        InputError: for an unknown envelope, a non-positive duration, or ramps longer than the pulse.
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
        if self.envelope not in ("gaussian", "sin2", "trapezoid", "cw"):
            raise InputError(f"unknown envelope {self.envelope!r}; choose gaussian, sin2, trapezoid or cw")
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


@dataclass(frozen=True)
class FieldSum:
    """Several fields at once.

    Args:
        fields: Any fields of this module.
    """

    fields: tuple[Field, ...]
    kind: ClassVar[str] = "sum"

    @property
    def impulse_au(self) -> np.ndarray:
        """Sum of the impulses at t = 0."""
        return np.sum([f.impulse_au for f in self.fields], axis=0)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """The jumps of all."""
        return tuple(sorted({mark for f in self.fields for mark in f.breaks_fs}))

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        return np.sum([f.at(times_fs) for f in self.fields], axis=0)


@dataclass(frozen=True)
class SampledField:
    """A field given at times, with straight lines in between and zero outside.

    Args:
        times_fs: Increasing times, fs.
        field_v_per_angstrom: One vector a time, V/angstrom.

    Raises:
        InputError: for fewer than two samples, times that do not increase, or shapes that do not match.
    """

    times_fs: tuple[float, ...]
    field_v_per_angstrom: tuple[tuple[float, float, float], ...]
    kind: ClassVar[str] = "sampled"

    def __post_init__(self) -> None:
        times, field = np.asarray(self.times_fs), np.asarray(self.field_v_per_angstrom)
        if len(times) < 2 or field.shape != (len(times), 3):
            raise InputError("a sampled field needs at least two times, and one vector of three for each")
        if not (np.isfinite(times).all() and np.isfinite(field).all() and (np.diff(times) > 0).all()):
            raise InputError("the samples of a field must be finite numbers at increasing times")

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0: none."""
        return np.zeros(3)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """The first and the last sample, outside of which the field is zero."""
        return (self.times_fs[0], self.times_fs[-1])

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        samples = np.asarray(self.field_v_per_angstrom) / AU_FIELD_V_PER_ANGSTROM
        columns = [np.interp(times_fs, self.times_fs, samples[:, axis], left=0.0, right=0.0) for axis in range(3)]
        return np.stack(columns, axis=1)


_KINDS: dict[str, type[Any]] = {c.kind: c for c in (Kick, GaussianPulses, Laser, FieldSum, SampledField)}


def field_to_dict(field: Field) -> dict[str, Any]:
    """Plain data for JSON: ``kind`` and the parameters with their units in the names."""
    if isinstance(field, FieldSum):
        return {"kind": field.kind, "fields": [field_to_dict(f) for f in field.fields]}
    return {"kind": field.kind, **asdict(field)}  # type: ignore[call-overload]


def field_from_dict(data: Mapping[str, Any]) -> Any:
    """The inverse of :func:`field_to_dict`; InputError for an unknown kind or parameter."""
    kind = str(data.get("kind"))
    if kind not in _KINDS:
        raise InputError(f"unknown field kind {kind!r}; choose one of {', '.join(_KINDS)}")
    parameters = {k: _tuples(v) for k, v in data.items() if k != "kind"}
    if kind == FieldSum.kind:
        parameters = {"fields": tuple(field_from_dict(f) for f in data.get("fields", ()))}
    try:
        return _KINDS[kind](**parameters)
    except TypeError as error:
        raise InputError(f"field of kind {kind!r}: {error}") from None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list | tuple) else value
