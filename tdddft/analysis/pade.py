r"""Padé approximants of Fourier transforms: sharp lines from short signals."""

from __future__ import annotations

import numpy as np
import scipy.linalg

NOISE = 1e-5  # of the largest singular value: what a signal of finite accuracy can tell


def pade_transform(signal: np.ndarray, times: np.ndarray, omega: np.ndarray) -> np.ndarray:
    r""":math:`\int_0^\infty f(t)\, e^{i\omega t} dt` of a signal that goes on as a sum of damped oscillations.

    With :math:`z = e^{i\omega\Delta t}` the sum :math:`\Delta t \sum_n f_n z^n` is continued as the ratio of two
    polynomials of half the number of samples, equal to it up to the last sample.

    Args:
        signal: Samples f_n, float64 [N], damped or not; at least four.
        times: Their times, evenly spaced, float64 [N].
        omega: Angular frequencies, float64 [W].

    Returns:
        Complex [W].

    Source: Bruner, LaMaster and Lopata, J. Chem. Theory Comput. 12, 3741 (2016).
    """
    degree = (len(signal) - 1) // 2
    samples = np.asarray(signal, dtype=np.float64)[: 2 * degree + 1]
    step = times[1] - times[0]
    matrix = scipy.linalg.toeplitz(samples[degree : 2 * degree], samples[degree:0:-1])
    below = scipy.linalg.lstsq(matrix, -samples[degree + 1 : 2 * degree + 1], cond=NOISE)[0]
    below = np.concatenate([[1.0], below])
    above = np.convolve(samples[: degree + 1], below)[: degree + 1]
    # the trapezoidal rule takes half of the first sample
    z = np.exp(1j * omega * step)
    ratio = np.polynomial.polynomial.polyval(z, above) / np.polynomial.polynomial.polyval(z, below)
    return np.asarray(step * (ratio - 0.5 * samples[0]))
