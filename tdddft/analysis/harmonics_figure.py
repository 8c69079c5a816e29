"""High-harmonic spectra in one figure."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from tdddft.analysis.harmonics import HarmonicSpectrum

SHOWN_DECADES = 1e-14  # of the highest yield


def harmonics_figure(spectra: Mapping[str, HarmonicSpectrum], title: str) -> Figure:
    """Yields against the order, logarithmic, with the classical cut-off where it is known.

    Args:
        spectra: By label.
        title: Of the figure.

    Returns:
        The figure.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 4.2), layout="constrained")
        axes = figure.subplots()
        highest = max(spectrum.total.max() for spectrum in spectra.values())
        last = max(spectrum.orders[-1] for spectrum in spectra.values())
        for label, spectrum in spectra.items():
            (line,) = axes.semilogy(spectrum.orders, np.maximum(spectrum.total, 1e-300), lw=1.0, label=label)
            if spectrum.cutoff_order is not None and spectrum.cutoff_order < last:
                axes.axvline(spectrum.cutoff_order, color=line.get_color(), ls=":", lw=1.0)
                axes.annotate(
                    "cut-off", (spectrum.cutoff_order, 0.98), xycoords=("data", "axes fraction"), rotation=90,
                    xytext=(2, 0), textcoords="offset points", va="top", color=line.get_color(), fontsize=7,
                )  # fmt: skip
        lowest = min(spectrum.total[spectrum.orders > 0.5].min() for spectrum in spectra.values())
        axes.set(xlabel="harmonic order", ylabel="radiated energy, dE/dω (hartree/hartree)", xlim=(0, last))
        axes.set_ylim(max(lowest, SHOWN_DECADES * highest) / 3, highest * 5)
        axes.set_xticks(np.arange(1, last + 1, 2 if last < 32 else 10))
        axes.set_title(title, fontsize=10)
        axes.legend(frameon=False, fontsize=8)
    return figure
