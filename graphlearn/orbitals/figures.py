"""Pictures of rolled-out trajectories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import AXES_COLORS, STYLE
from graphlearn.orbitals import metrics
from graphlearn.orbitals.evaluate import FROZEN, NEAREST, ZERO, EvaluatedTrajectory
from graphlearn.orbitals.evaluated_set import EvaluatedSet
from tdddft.analysis.spectrum import field_direction
from tdddft.trajectory import Trajectory

MODEL_COLOR = "#EE6677"
COLORS = {NEAREST: "#228833", FROZEN: "#4477AA", ZERO: "#BBBBBB"}
FURTHER_COLORS = ("#222222", "#AA3377", "#66CCEE", "#CCBB44", "#997700", "#004488")  # of methods that were asked for
FURTHER_STYLES = ("-", "--", "-.", ":", "--", "-.")
TRUE = "#222222"


def dipole_figure(shown: Sequence[EvaluatedTrajectory]) -> Figure:
    """Induced dipole along the field, true and predicted, one panel per trajectory."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 1.9 * len(shown) + 0.6), layout="constrained")
        panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axes, e in zip(panels, shown, strict=True):
            times = e.trajectory.times_fs[1:]
            axes.plot(times, 1e3 * _true_dipole(e), color=TRUE, lw=1.6, label="TDDFT")
            axes.plot(times, 1e3 * _dipole(e, e.model), color=MODEL_COLOR, lw=1.2, label=e.model)
            axes.set_ylabel("10⁻³ e·bohr")
            error = e.errors[e.model]["dipole_along_field_nrmse"]
            axes.set_title(f"{e.name} (error {error:.2f} of the signal)", fontsize=9, loc="left")
        panels[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 0.97))  # above the curves
        panels[-1].set_xlabel("time (fs)")
        figure.suptitle("Induced dipole along the field, rolled out from the ground state", fontsize=11)
    return figure


def absorption_figure(shown: Sequence[EvaluatedTrajectory]) -> Figure:
    """Absorption below 20 eV, true and predicted, one panel per trajectory."""
    with matplotlib.rc_context(STYLE):
        columns = min(2, len(shown))
        rows = -(-len(shown) // columns)
        figure = Figure(figsize=(3.9 * columns, 2.3 * rows + 0.5), layout="constrained")
        panels = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        for axes, e in zip(panels, shown, strict=False):
            axes.plot(*metrics.paper_absorption(_true_dipole(e), e.trajectory), color=TRUE, lw=1.6, label="TDDFT")
            for method, color in ((e.model, MODEL_COLOR), (FROZEN, COLORS[FROZEN])):
                dipole = _dipole(e, method)
                axes.plot(*metrics.paper_absorption(dipole, e.trajectory), color=color, lw=1.1, label=method)
            axes.set_title(e.name, fontsize=9, loc="left")
            axes.set(xlabel="energy (eV)", ylabel="absorption (au)", xlim=(2, metrics.ABSORPTION_MAX_EV))
        for axes in panels[len(shown) :]:
            axes.remove()
        figure.axes[0].legend(frameon=False, fontsize=8)
        figure.suptitle("Absorption along the field", fontsize=11)
    return figure


def error_growth_figure(sets: Mapping[str, EvaluatedSet]) -> Figure:
    """Mean error of the wavefunction along the rollout of the model and the baselines, one panel per test set."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.0 * len(sets) + 2.4, 3.3), layout="constrained")
        panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
        for axes, (name, s) in zip(panels, sets.items(), strict=True):
            others = cycle(zip(FURTHER_COLORS, FURTHER_STYLES, strict=True))
            for method, errors in s.growth.items():
                color, style = (COLORS | {s.model: MODEL_COLOR}).get(method), "-"
                if color is None:
                    color, style = next(others)
                axes.plot(s.times_fs, errors, color=color, ls=style, label=method)
            axes.set(xlabel="time (fs)", title=name)
            if any(np.max(errors) > 0 for errors in s.growth.values()):
                axes.set_yscale("log")
        panels[0].set_ylabel("error / rms of the signal")
        figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside right center", fontsize=8)
        figure.suptitle("Growth of the wavefunction error along the rollout", fontsize=11)
    return figure


def _true_dipole(e: EvaluatedTrajectory) -> np.ndarray:
    t = e.trajectory
    return np.asarray((t.dipole_au[1:] - t.dipole_au[0]) @ field_direction(t))


def _dipole(e: EvaluatedTrajectory, method: str) -> np.ndarray:
    dipole = e.predictions[method].dipole_au(e.trajectory)
    assert dipole is not None
    return np.asarray(dipole @ field_direction(e.trajectory))


def prediction_figure(trajectory: Trajectory) -> Figure:
    """Induced dipole and absorption of a predicted trajectory, named after the model in its provenance."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.5, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        induced = trajectory.dipole_au - trajectory.dipole_au[0]
        for axis, (name, color) in enumerate(AXES_COLORS.items()):
            left.plot(trajectory.times_fs, 1e3 * induced[:, axis], color=color, label=name)
        left.set(title="Induced dipole", xlabel="time (fs)", ylabel="10⁻³ e·bohr")
        left.legend(frameon=False, ncols=3)
        along = induced[1:] @ field_direction(trajectory)
        right.plot(*metrics.paper_absorption(along, trajectory), color=MODEL_COLOR)
        right.set(title="Absorption along the field", xlabel="energy (eV)", ylabel="au", xlim=(2, None))
        figure.suptitle(f"{trajectory.name} · predicted by {trajectory.provenance.model}", fontsize=11)
    return figure
