"""Continuing a dipole signal by itself: dynamic mode decomposition."""

from __future__ import annotations

import numpy as np


def dynamic_modes(signal: np.ndarray, known: int, *, tolerance: float = 1e-6) -> np.ndarray:
    r"""Continue a signal as a sum of damped oscillations fitted to its beginning.

    Columns of L successive samples obey :math:`h_{t+1} = A h_t`; A is fitted by least squares in the space of the
    singular vectors above a threshold, its eigenvalues are brought into the unit disk, and h is propagated:

    .. math:: h_t = \sum_k b_k \lambda_k^t \phi_k.

    Args:
        signal: Equally spaced samples, float64 [F, D]; only the first ``known`` are looked at.
        known: Samples that are known.
        tolerance: Singular values below this part of the largest count as noise.

    Returns:
        float64 [F, D]; the first ``known`` samples as they are.

    Raises:
        ValueError: for fewer than 4 known samples.

    Source: Schmid, J. Fluid Mech. 656, 5 (2010), with delays.
    """
    if known < 4:
        raise ValueError(f"dynamic modes need at least 4 known samples, got {known}")
    frames, width = signal.shape
    delays = known // 2
    columns = known - delays + 1
    hankel = np.stack([signal[i : i + delays].ravel() for i in range(columns)], axis=1)
    u, s, _ = np.linalg.svd(hankel[:, :-1], full_matrices=False)
    if s[0] == 0.0:
        return np.concatenate([signal[:known], np.zeros((frames - known, width))])
    u = u[:, s > tolerance * s[0]]
    before, after = u.T @ hankel[:, :-1], u.T @ hankel[:, 1:]
    values, vectors = np.linalg.eig(after @ np.linalg.pinv(before))
    values = values / np.maximum(1.0, np.abs(values))
    amplitudes = np.linalg.lstsq(vectors, (u.T @ hankel[:, -1]).astype(complex), rcond=None)[0]
    powers = values[:, None] ** np.arange(1, frames - known + 1)
    future = (u[-width:] @ (vectors @ (amplitudes[:, None] * powers))).real.T
    return np.concatenate([signal[:known], future])
