r"""Uniform external electric fields E(t) in the length gauge.

The electrons feel :math:`V_\mathrm{ext}(t) = \mathbf{E}(t)\cdot\mathbf{r}` (charge -1, atomic units).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS


class Field(Protocol):
    """Anything that has a field at every time, and possibly an impulse at t = 0.

    A class of your own needs these three, no more; a function of times in fs [T] that returns the field in atomic units
    [T, 3] serves as well (:class:`tdddft.fields.custom.CustomField`).
    """

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
    try:
        vector = np.asarray(direction, dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.zeros(0)
    length = np.linalg.norm(vector) if vector.shape == (3,) else np.nan
    if not np.isfinite(length) or length == 0.0:
        raise InputError(f"field direction {direction!r} must be three finite numbers, not all zero")
    return vector / length


def coerce_numbers(field: Any, *names: str) -> None:
    """Turn attributes of a frozen field, numbers or arrays of any library, into floats and tuples of floats.

    Args:
        field: A frozen dataclass with a ``kind``; changed in place.
        *names: Of the attributes.

    Raises:
        InputError: with its name, for any that is not a finite real number or a sequence of them.
    """
    for name in names:
        value = getattr(field, name)
        try:
            given = np.asarray(value)
            good = given.dtype.kind in "iuf" and bool(np.isfinite(given).all())
        except (TypeError, ValueError):
            good = False
        if not good:
            raise InputError(f"{field.kind}: {name} = {value!r} must be made of finite numbers")
        object.__setattr__(field, name, as_tuples(given.astype(np.float64).tolist()))


def as_tuples(value: Any) -> Any:
    """Lists and tuples, also inside one another, as tuples; anything else as it is."""
    return tuple(as_tuples(v) for v in value) if isinstance(value, list | tuple) else value


def require_scalars(kind: str, **values: object) -> None:
    """InputError, with its name, for any value that is more than one number."""
    for name, value in values.items():
        if not isinstance(value, float):
            raise InputError(f"{kind}: {name} = {value!r} must be one number")


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

    def __post_init__(self) -> None:
        unit_vector(self.direction)
        coerce_numbers(self, "strength_au", "direction", "width_fs")
        require_scalars(self.kind, strength_au=self.strength_au, width_fs=self.width_fs)
        if self.width_fs < 0:
            raise InputError(f"kick: width_fs = {self.width_fs:g} must be at least 0")

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0, float64 [3] (zero for a pulse of finite width)."""
        return unit_vector(self.direction) * (self.strength_au if self.width_fs == 0.0 else 0.0)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """The end of a rectangular pulse."""
        return (self.width_fs,) if self.width_fs else ()

    def turned(self, direction: tuple[float, float, float]) -> Kick:
        """The same kick along another direction."""
        return replace(self, direction=direction)

    def scaled(self, factor: float) -> Kick:
        """The same kick with its impulse multiplied by a factor."""
        return replace(self, strength_au=factor * self.strength_au)

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        times = np.asarray(times_fs, dtype=np.float64)
        if self.width_fs == 0.0:
            return np.zeros((len(times), 3))
        inside = (times >= 0.0) & (times < self.width_fs)
        return np.asarray(
            inside[:, None] * unit_vector(self.direction) * (self.strength_au * AU_TIME_FS / self.width_fs)
        )


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

    def __post_init__(self) -> None:
        unit_vector(self.direction)
        coerce_numbers(
            self, "direction", "amplitude_v_per_angstrom", "frequencies_per_fs", "sigma_fs", "center_fs"
        )  # fmt: skip
        require_scalars(
            self.kind, amplitude_v_per_angstrom=self.amplitude_v_per_angstrom, sigma_fs=self.sigma_fs,
            center_fs=self.center_fs,
        )  # fmt: skip
        if np.ndim(self.frequencies_per_fs) != 1:
            raise InputError(f"gaussian_pulses: frequencies_per_fs = {self.frequencies_per_fs!r} must be a sequence")
        if self.sigma_fs <= 0:
            raise InputError(f"gaussian_pulses: sigma_fs = {self.sigma_fs:g} must be positive")

    @property
    def impulse_au(self) -> np.ndarray:
        """Impulse that acts at t = 0: none."""
        return np.zeros(3)

    @property
    def breaks_fs(self) -> tuple[float, ...]:
        """No jumps."""
        return ()

    def turned(self, direction: tuple[float, float, float]) -> GaussianPulses:
        """The same pulses along another direction."""
        return replace(self, direction=direction)

    def scaled(self, factor: float) -> GaussianPulses:
        """The same pulses with their amplitude multiplied by a factor."""
        return replace(self, amplitude_v_per_angstrom=factor * self.amplitude_v_per_angstrom)

    def at(self, times_fs: np.ndarray) -> np.ndarray:
        """Field in atomic units, float64 [T, 3], at times in fs [T]."""
        shifted = np.asarray(times_fs, dtype=np.float64) - self.center_fs
        carrier = np.cos(2 * np.pi * np.outer(shifted, self.frequencies_per_fs)).sum(axis=1)
        envelope = np.exp(-(shifted**2) / (2 * self.sigma_fs**2))
        strength = self.amplitude_v_per_angstrom / AU_FIELD_V_PER_ANGSTROM * carrier * envelope
        return np.asarray(strength[:, None] * unit_vector(self.direction))
