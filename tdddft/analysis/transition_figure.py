"""Pictures of transitions: where hole and electron are."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from tdddft.analysis.transition import Transition

HOLE, ELECTRON = "#4477AA", "#EE6677"


def transition_figure(transitions: Sequence[Transition], title: str) -> Figure:
    """Charge-transfer numbers between atoms, populations of hole and electron, and weights of the orbital pairs.

    Args:
        transitions: One row of panels each.
        title: Molecule and source.

    Returns:
        The figure.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 0.5 + 2.6 * len(transitions)), layout="constrained")
        for row, t in zip(figure.subplots(len(transitions), 3, squeeze=False), transitions, strict=True):
            matrix, atoms, pairs = row
            numbers = t.charge_transfer()
            labels = [f"{t.mol.atom_pure_symbol(i)}{i}" for i in range(t.mol.natm)]
            places = np.arange(t.mol.natm)
            image = matrix.imshow(numbers.T, origin="lower", cmap="Blues", vmin=0.0)
            matrix.grid(visible=False)
            matrix.set(xlabel="hole on", ylabel="electron on", title=f"{t.energy_ev:.3f} eV: charge transfer")
            matrix.set_xticks(places, labels, rotation=90, fontsize=7)
            matrix.set_yticks(places, labels, fontsize=7)
            figure.colorbar(image, ax=matrix, shrink=0.85)
            atoms.bar(places - 0.2, numbers.sum(axis=1), 0.4, color=HOLE, label="hole")
            atoms.bar(places + 0.2, numbers.sum(axis=0), 0.4, color=ELECTRON, label="electron")
            atoms.set_xticks(places, labels, rotation=90, fontsize=7)
            atoms.set(ylabel="population", title=f"f = {t.strength():.4f}, moved {t.distance_angstrom:.2f} Å")
            atoms.legend(frameon=False, fontsize=8)
            weights = t.natural_orbitals().weights[:6]
            pairs.bar(np.arange(1, len(weights) + 1), weights, color="#888888")
            pairs.set(xlabel="pair of natural transition orbitals", ylabel="weight", xlim=(0.4, 6.6), ylim=(0, 1.05))
        figure.suptitle(title, fontsize=10)
    return figure
