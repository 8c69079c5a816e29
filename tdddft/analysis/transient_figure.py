"""Pictures of transient absorption."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from tdddft.analysis.transient_absorption import TransientAbsorption
from tdddft.units import HARTREE_EV

MAP_FROM = 4  # delays
CURVES = 6


def transient_figure(found: TransientAbsorption, title: str) -> Figure:
    """Spectra with and without the pump, and their difference: curves, or a map where there are many delays.

    Args:
        found: Spectra by delay.
        title: Of the figure.

    Returns:
        The figure.
    """
    energy, difference = found.unpumped.energy_ev, found.difference_per_hartree / HARTREE_EV
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 5.6), layout="constrained")
        above, below = figure.subplots(2, sharex=True)
        above.plot(energy, found.unpumped.strength_per_hartree / HARTREE_EV, color="0.3", lw=1.8, label="unpumped")
        shown = np.unique(np.linspace(0, len(found.delays_fs) - 1, CURVES).astype(int))
        colors = matplotlib.colormaps["viridis"](np.linspace(0.1, 0.9, len(shown)))
        for number, color in zip(shown, colors, strict=True):
            label, pumped = f"{found.delays_fs[number]:g} fs", found.pumped[number].strength_per_hartree / HARTREE_EV
            above.plot(energy, pumped, color=color, lw=1.0, label=label)
            if len(found.delays_fs) < MAP_FROM:
                below.plot(energy, difference[number], color=color, lw=1.2, label=label)
        above.set(ylabel="strength function (1/eV)")
        above.set_title(title, fontsize=10)
        above.legend(frameon=False, fontsize=8)
        if len(found.delays_fs) < MAP_FROM:
            below.axhline(0.0, color="0.6", lw=0.6)
            below.set(ylabel="pumped − unpumped (1/eV)")
        else:
            most = np.abs(difference).max()
            drawn = below.pcolormesh(
                energy, found.delays_fs, difference, cmap="RdBu_r", vmin=-most, vmax=most, shading="nearest"
            )
            below.grid(visible=False)
            below.set(ylabel="delay (fs)")
            figure.colorbar(drawn, ax=below, label="pumped − unpumped (1/eV)")
        below.set(xlabel="energy (eV)", xlim=(0, energy[-1]))
    return figure
