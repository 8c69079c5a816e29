"""The absorption spectrum of a molecule, by linear response or by a propagation after three kicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np

from graphlearn.base.errors import InputError
from tdddft.analysis.linear_response import Roots, linear_response_roots
from tdddft.analysis.spectrum import WINDOW_EXPONENT, Spectrum, polarizability_tensor
from tdddft.electronic.ground_state import GroundState
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.electronic.method_names import KernelLevel
from tdddft.fields.base import Kick
from tdddft.propagation.propagate import propagate
from tdddft.propagation.schemes import Linear
from tdddft.units import AU_TIME_FS, HARTREE_EV

AbsorptionMethod = Literal["casida", "linear", "realtime"]
ABSORPTION_METHODS: tuple[str, ...] = get_args(AbsorptionMethod)
KICK_AU = 1e-4
FRAME_FS = 0.02
STEP_EV = 0.01
TOLERANCE = 1e-3  # of the dipole of a full propagation


def isotropic_absorption(
    ground_state: GroundState,
    method: AbsorptionMethod = "linear",
    *,
    kernel: KernelLevel = "fitted",
    hwhm_ev: float = 0.1,
    max_energy_ev: float = 15.0,
    roots: int | Roots = 20,
    progress: Callable[[float], None] | None = None,
) -> Spectrum:
    r"""Strength function averaged over orientations, :math:`S(\omega) = \frac{2\omega}{3\pi}\,\mathrm{Im\,Tr}\,\alpha`.

    Args:
        ground_state: Of the molecule.
        method: ``casida`` draws Lorentzian lines at the lowest roots of linear response; ``linear`` and ``realtime``
            propagate after kicks along x, y and z, to first order under ``kernel`` or in full.
        kernel: Level of the kernel of ``linear``, see :class:`tdddft.electronic.response_kernel.ResponseKernel`.
        hwhm_ev: Half width of the lines, eV; a propagation lasts 2.5 eV fs over this.
        max_energy_ev: Upper end of the energy axis, eV.
        roots: Number of roots of ``casida``, whose axis ends a width below the highest, or the roots if they are known.
        progress: Called with the part of the work that is done, 0 to 1.

    Returns:
        The spectrum; of ``casida`` with the imaginary part of the polarisability alone.

    Raises:
        InputError: for an unknown method or a width that is not positive.
        ConvergenceError: if linear response finds no roots.
    """
    if method not in ABSORPTION_METHODS:
        raise InputError(f"method {method!r}: choose one of {', '.join(ABSORPTION_METHODS)}")
    if not (0 < hwhm_ev < max_energy_ev):
        raise InputError(f"hwhm_ev {hwhm_ev:g} and max_energy_ev {max_energy_ev:g}: both positive, the width smaller")
    if method == "casida":
        return _lines(ground_state, hwhm_ev, max_energy_ev, roots)
    frames = round(WINDOW_EXPONENT * AU_TIME_FS * HARTREE_EV / hwhm_ev / FRAME_FS) + 1
    hamiltonian = Hamiltonian(ground_state)
    trajectories = []
    for number, direction in enumerate(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))):

        def show(step: int, steps: int, number: int = number) -> None:
            if progress is not None:
                progress((number + step / steps) / 3)

        trajectories.append(
            propagate(
                ground_state, Kick(KICK_AU, direction), frames, FRAME_FS, save_every=1, hamiltonian=hamiltonian,
                propagator=Linear(kernel) if method == "linear" else None, dipole_tolerance=TOLERANCE, progress=show,
            )
        )  # fmt: skip
    return polarizability_tensor(trajectories, hwhm_ev=hwhm_ev, max_energy_ev=max_energy_ev, step_ev=STEP_EV)[1]


def mean_spectrum(spectra: Sequence[Spectrum]) -> Spectrum:
    """The mean of spectra of one width, on the part of the axis that all have.

    Args:
        spectra: Of conformers or frames of one molecule.

    Returns:
        Their mean.
    """
    shortest = min(spectra, key=lambda s: len(s.energy_ev))
    n = len(shortest.energy_ev)
    return Spectrum(
        shortest.energy_ev,
        np.mean([s.polarizability_au[:n] for s in spectra], axis=0),
        np.mean([s.strength_per_hartree[:n] for s in spectra], axis=0),
        shortest.field_weight,
        shortest.hwhm_ev,
        shortest.duration_fs,
    )


def line_shapes(energy_ev: np.ndarray, lines_ev: np.ndarray, hwhm_ev: float) -> np.ndarray:
    """Lorentzian lines of area one over positive and negative energies, odd in the energy.

    Args:
        energy_ev: Axis, float64 [W], eV.
        lines_ev: Energies of the lines, float64 [K], eV.
        hwhm_ev: Half width, eV.

    Returns:
        float64 [K, W], 1/hartree.
    """
    omega, gamma, lines = energy_ev / HARTREE_EV, hwhm_ev / HARTREE_EV, lines_ev[:, None] / HARTREE_EV
    return np.asarray(gamma / np.pi * (1 / ((omega - lines) ** 2 + gamma**2) - 1 / ((omega + lines) ** 2 + gamma**2)))


def _lines(ground_state: GroundState, hwhm_ev: float, max_energy_ev: float, roots: int | Roots) -> Spectrum:
    """Lorentzian lines at the roots, on an axis that ends where roots may be missing."""
    found = roots if isinstance(roots, Roots) else linear_response_roots(ground_state, roots)
    complete = len(found.energies_ev) == ground_state.num_pairs
    end = max_energy_ev if complete else min(max_energy_ev, max(found.energies_ev[-1] - hwhm_ev, STEP_EV * 3))
    energy_ev = np.arange(STEP_EV, end, STEP_EV)
    shapes = line_shapes(energy_ev, found.energies_ev, hwhm_ev)
    strength = energy_ev * ((found.strengths() / found.energies_ev) @ shapes)
    alpha = 1j * np.pi * strength / (2 * energy_ev / HARTREE_EV)
    return Spectrum(energy_ev, alpha, strength, np.ones_like(energy_ev), hwhm_ev)
