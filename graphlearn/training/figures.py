"""Pictures of a training run and of rolled-out trajectories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.datasets.gauge import to_delta
from graphlearn.training import metrics
from graphlearn.training.evaluate import FROZEN, MODEL, ZERO, Prediction
from tdddft.figures import STYLE
from tdddft.spectrum import field_direction
from tdddft.trajectory import Trajectory

COLORS = {MODEL: "#EE6677", FROZEN: "#4477AA", ZERO: "#BBBBBB"}
TRUE = "#222222"


def learning_curve(losses: Sequence[float], validations: Sequence[tuple[int, float]] = ()) -> Figure:
    """Loss of every step, its running mean, and the rollout error of each validation, the best one marked."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.5, 3.6), layout="constrained")
        axes = figure.subplots()
        steps = np.arange(1, len(losses) + 1)
        axes.semilogy(steps, losses, color="#BBBBBB", lw=0.5, label="batch")
        width = max(1, len(losses) // 50)
        mean = np.convolve(losses, np.ones(width) / width, mode="valid")
        axes.semilogy(steps[width - 1 :], mean, color=COLORS[MODEL], label=f"mean of {width}")
        axes.set(xlabel="step", ylabel="per-atom loss (normalised units)", title="Training")
        if validations:
            at, scores = np.array(validations).T
            other = axes.twinx()
            other.semilogy(at, scores, "o-", color=COLORS[FROZEN], ms=3, lw=1, label="validation rollout")
            best = int(scores.argmin())
            other.semilogy(at[best], scores[best], "o", mfc="none", color=COLORS[FROZEN], ms=9, label="best")
            other.set_ylabel("wavefunction nRMSE of the rollout")
            other.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.84))
        axes.legend(frameon=False, loc="upper right", ncols=2)
    return figure


def dipole_figure(trajectories: Sequence[Trajectory], predictions: Sequence[Mapping[str, Prediction]]) -> Figure:
    """Induced dipole along the field, true and predicted, one panel a trajectory."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 1.9 * len(trajectories) + 0.6), layout="constrained")
        panels = figure.subplots(len(trajectories), 1, sharex=True, squeeze=False)[:, 0]
        for axes, trajectory, methods in zip(panels, trajectories, predictions, strict=True):
            direction, times = field_direction(trajectory), trajectory.times_fs[1:]
            true = (trajectory.dipole_au[1:] - trajectory.dipole_au[0]) @ direction
            axes.plot(times, 1e3 * true, color=TRUE, lw=1.6, label="TDDFT")
            dipole = metrics.induced_dipole_au(methods[MODEL].rolled_out, trajectory) @ direction
            axes.plot(times, 1e3 * dipole, color=COLORS[MODEL], lw=1.2, label=MODEL)
            axes.set_ylabel("10⁻³ e·bohr")
            error = metrics.dipole_nrmse(dipole, true)
            axes.set_title(f"{trajectory.name} (error {error:.2f} of the signal)", fontsize=9, loc="left")
        panels[0].legend(frameon=False, ncols=2, loc="upper right")
        panels[-1].set_xlabel("time (fs)")
        figure.suptitle("Induced dipole along the field, rolled out from the ground state", fontsize=11)
    return figure


def absorption_figure(trajectories: Sequence[Trajectory], predictions: Sequence[Mapping[str, Prediction]]) -> Figure:
    """Absorption below 20 eV, true and predicted, one panel a trajectory."""
    with matplotlib.rc_context(STYLE):
        columns = min(2, len(trajectories))
        rows = -(-len(trajectories) // columns)
        figure = Figure(figsize=(3.9 * columns, 2.3 * rows + 0.5), layout="constrained")
        panels = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
        for axes, trajectory, methods in zip(panels, trajectories, predictions, strict=False):
            direction = field_direction(trajectory)
            true = (trajectory.dipole_au[1:] - trajectory.dipole_au[0]) @ direction
            axes.plot(*metrics.absorption(true, trajectory), color=TRUE, lw=1.6, label="TDDFT")
            for method in (MODEL, FROZEN):
                dipole = metrics.induced_dipole_au(methods[method].rolled_out, trajectory) @ direction
                axes.plot(*metrics.absorption(dipole, trajectory), color=COLORS[method], lw=1.1, label=method)
            axes.set_title(trajectory.name, fontsize=9, loc="left")
            axes.set(xlabel="energy (eV)", ylabel="absorption (au)", xlim=(2, metrics.ABSORPTION_MAX_EV))
        for axes in panels[len(trajectories) :]:
            axes.remove()
        figure.axes[0].legend(frameon=False, fontsize=8)
        figure.suptitle("Absorption along the field", fontsize=11)
    return figure


def error_growth_figure(
    sets: Mapping[str, tuple[Sequence[Trajectory], Sequence[Mapping[str, Prediction]]]],
) -> Figure:
    """Wavefunction error along the rollout, one panel a test set, the mean over its trajectories."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * len(sets), 3.3), layout="constrained")
        panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
        for axes, (name, (trajectories, predictions)) in zip(panels, sets.items(), strict=True):
            for method in (MODEL, FROZEN, ZERO):
                curves = [
                    metrics.wavefunction_nrmse_by_frame(p[method].rolled_out, to_delta(t)[1:])
                    for t, p in zip(trajectories, predictions, strict=True)
                ]
                axes.plot(trajectories[0].times_fs[1:], np.mean(curves, axis=0), color=COLORS[method], label=method)
            axes.set(xlabel="time (fs)", title=name)
        panels[0].set_ylabel("error / rms of the signal")
        panels[0].legend(frameon=False)
        figure.suptitle("Growth of the wavefunction error along the rollout", fontsize=11)
    return figure
