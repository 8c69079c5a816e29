"""Absorption spectra of one molecule by several methods, in one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from tdddft.analysis.spectrum import Spectrum, find_peaks
from tdddft.units import HARTREE_EV, NM_EV

LONGEST_NM = 700.0
LINES = (("#4477AA", "-"), ("#EE6677", "--"), ("#228833", ":"))
GAUGES = (("#AA3377", "-"), ("#555555", "--"))
NAMED_PEAKS = 5


def absorption_figure(
    means: Mapping[str, Spectrum],
    single: Mapping[str, Sequence[Spectrum]],
    unit: str,
    title: str,
    dichroism: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Strength functions by method, with the highest peaks of the first named, and circular dichroism below.

    Args:
        means: Spectrum by method.
        single: Spectra of the geometries that were averaged, drawn thin; none for one geometry.
        unit: ``ev`` or ``nm``.
        title: Molecule and level of theory.
        dichroism: By gauge, L/(mol cm), on the axis of the mean of ``casida``.

    Returns:
        The figure.
    """
    with matplotlib.rc_context(STYLE):
        panels = 2 if dichroism else 1
        figure = Figure(figsize=(7.0, 1.4 + 2.4 * panels), layout="constrained")
        every = figure.subplots(panels, sharex=True, squeeze=False)[:, 0]
        axes = every[0]
        for (name, mean), (color, style) in zip(means.items(), LINES, strict=False):
            for spectrum in single.get(name, ()):
                axes.plot(*_curve(spectrum, unit), color=color, lw=0.4, alpha=0.4)
            label = f"{name}, mean of {len(single[name])}" if name in single else name
            axes.plot(*_curve(mean, unit), color=color, ls=style, lw=1.6, label=label)
        first = next(iter(means.values()))
        for energy, height in sorted(find_peaks(first), key=lambda peak: -peak[1])[:NAMED_PEAKS]:
            place = energy if unit == "ev" else NM_EV / energy
            axes.annotate(
                f"{place:.2f}" if unit == "ev" else f"{place:.0f}", (place, height / HARTREE_EV), xytext=(0, 4),
                textcoords="offset points", ha="center", fontsize=7,
            )  # fmt: skip
        axes.set(ylabel="strength function (1/eV)")
        every[-1].set(xlabel="energy (eV)" if unit == "ev" else "wavelength (nm)")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0] * 0.2))
        if unit == "nm":
            shortest = NM_EV / max(s.energy_ev[-1] for s in means.values())
            axes.set_xlim(shortest, LONGEST_NM)
        axes.set_title(title, fontsize=10)
        axes.legend(frameon=False, fontsize=8)
        for (gauge, values), (color, style) in zip((dichroism or {}).items(), GAUGES, strict=False):
            every[-1].plot(_place(means["casida"], unit), values, color=color, ls=style, lw=1.6, label=f"{gauge} gauge")
        if dichroism:
            every[-1].axhline(0.0, color="0.6", lw=0.6)
            every[-1].set(ylabel="Δε (L mol⁻¹ cm⁻¹)")
            every[-1].legend(frameon=False, fontsize=8)
    return figure


def _place(spectrum: Spectrum, unit: str) -> np.ndarray:
    """The axis, eV or nm."""
    return spectrum.energy_ev if unit == "ev" else NM_EV / spectrum.energy_ev


def _curve(spectrum: Spectrum, unit: str) -> tuple[np.ndarray, np.ndarray]:
    """What is drawn: energies in eV or wavelengths in nm, and strengths in 1/eV."""
    return _place(spectrum, unit), spectrum.strength_per_hartree / HARTREE_EV
