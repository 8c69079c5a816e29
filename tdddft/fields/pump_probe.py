"""A pump and a weak, short probe after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.fields.base import GaussianPulses, Kick
from tdddft.fields.laser import Laser
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS

REACH = 5.0  # standard deviations of the probe before its centre


def probe_pulse(
    strength_au: float, direction: Sequence[float], center_fs: float, sigma_fs: float = 0.02
) -> GaussianPulses:
    """A Gaussian pulse without a carrier: a kick that is smooth, of even spectrum up to about 1 / sigma.

    Args:
        strength_au: Impulse, atomic units of field times time.
        direction: Direction of the field.
        center_fs: Centre, fs.
        sigma_fs: Standard deviation, fs; 0.02 reaches 33 eV at 0.6 of the strength at zero.

    Returns:
        The field.

    Raises:
        InputError: if it would begin before the propagation.
    """
    if center_fs < REACH * sigma_fs:
        raise InputError(
            f"the probe at {center_fs:g} fs begins before t = 0: its centre must lie at {REACH * sigma_fs:g} fs or "
            "later; raise the delay, or let the pump start later"
        )
    amplitude = strength_au * AU_TIME_FS / (sigma_fs * np.sqrt(2 * np.pi)) * AU_FIELD_V_PER_ANGSTROM
    x, y, z = direction
    return GaussianPulses((x, y, z), float(amplitude), (0.0,), sigma_fs, center_fs)


def pump_center_fs(pump: Any) -> float:
    """Time from which delays count, fs: the middle of a pulse, or that of a kick.

    Args:
        pump: The field.

    Returns:
        The time.

    Raises:
        InputError: for a field without a centre.
    """
    if isinstance(pump, GaussianPulses):
        return pump.center_fs
    if isinstance(pump, Kick):
        return 0.5 * pump.width_fs
    if isinstance(pump, Laser) and pump.envelope != "cw":
        return pump.start_fs + 0.5 * pump.duration_fs
    raise InputError("a pump is a laser pulse, not a cw one, gaussian_pulses or a kick: delays count from its centre")
