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
NAMED_PEAKS = 5


def absorption_figure(
    means: Mapping[str, Spectrum], single: Mapping[str, Sequence[Spectrum]], unit: str, title: str
) -> Figure:
    """Strength functions by method, with the highest peaks of the first named.

    Args:
        means: Spectrum by method.
        single: Spectra of the geometries that were averaged, drawn thin; none for one geometry.
        unit: ``ev`` or ``nm``.
        title: Molecule and level of theory.

    Returns:
        The figure.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.0, 3.8), layout="constrained")
        axes = figure.subplots()
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
        axes.set(xlabel="energy (eV)" if unit == "ev" else "wavelength (nm)", ylabel="strength function (1/eV)")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0] * 0.2))
        if unit == "nm":
            shortest = NM_EV / max(s.energy_ev[-1] for s in means.values())
            axes.set_xlim(shortest, LONGEST_NM)
        axes.set_title(title, fontsize=10)
        axes.legend(frameon=False, fontsize=8)
    return figure


def _curve(spectrum: Spectrum, unit: str) -> tuple[np.ndarray, np.ndarray]:
    """What is drawn: energies in eV or wavelengths in nm, and strengths in 1/eV."""
    axis = spectrum.energy_ev if unit == "ev" else NM_EV / spectrum.energy_ev
    return axis, spectrum.strength_per_hartree / HARTREE_EV
