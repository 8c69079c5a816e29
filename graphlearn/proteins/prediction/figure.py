"""A prediction as a picture: weights of the residues for each term, along the chain."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from graphlearn.proteins.prediction.predictor import ProteinPrediction

SHOWN_TERMS = 8
LONGEST_NAME = 42
HELIX, STRAND = "HGI", "EB"


def prediction_figure(prediction: ProteinPrediction) -> Figure:
    """Weights of the residues for the likeliest terms, the proposal mask, and the secondary structure below."""
    terms = prediction.terms[:SHOWN_TERMS]
    names = [_short(f"{term.id} {term.name}".strip()) for term in terms]
    rows = [(f"{name}  {term.probability:.2f}", term.weights) for name, term in zip(names, terms, strict=True)]
    if prediction.mask:
        mask = np.array(prediction.mask)
        rows.append(("proposal mask, scaled", tuple((mask - mask.min()) / max(np.ptp(mask), 1e-9))))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 1.3 + 0.34 * max(len(rows), 1)), layout="constrained")
        heat, strip = figure.subplots(2, 1, sharex=True, height_ratios=[max(len(rows), 1), 0.6])
        if rows:
            image = heat.imshow(
                np.array([weights for _, weights in rows]), aspect="auto", cmap="magma_r", vmin=0, vmax=1,
                interpolation="nearest",
            )  # fmt: skip
            figure.colorbar(image, ax=heat, pad=0.01, label="weight")
        heat.set_yticks(range(len(rows)), [name for name, _ in rows])
        heat.grid(visible=False)
        heat.set_title(f"{_short(prediction.chain)}, {prediction.length} residues" + ("" if terms else ": no term"))
        for letters, color, height in ((HELIX, "#4477AA", 0.8), (STRAND, "#EE6677", 0.5)):
            runs = _runs(prediction.secondary, letters)
            strip.broken_barh(runs, (0.5 - height / 2, height), color=color)
        strip.axhline(0.5, color="0.5", lw=0.8, zorder=0)
        strip.set(ylim=(0, 1), yticks=[0.5], yticklabels=["helix blue, strand red"], xlabel="residue")
        strip.grid(visible=False)
        places = np.unique(np.linspace(0, prediction.length - 1, 9).round().astype(int))
        strip.set_xticks(places, [_short(prediction.residue_ids[place]) for place in places])
    return figure


def _short(text: str) -> str:
    """At most 42 characters that a figure can show as they are: a dollar sign begins no formula."""
    cut = text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
    return cut.replace("$", r"\$")


def _runs(secondary: str, letters: str) -> list[tuple[float, float]]:
    """Start and length of each run of the letters."""
    inside = np.array([0, *(letter in letters for letter in secondary), 0])
    runs = np.flatnonzero(np.diff(inside)).reshape(-1, 2)
    return [(float(start) - 0.5, float(end - start)) for start, end in runs]
