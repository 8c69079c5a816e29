"""Evaluation of a trained model on named test sets: errors, predicted trajectories, figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphlearn.datasets.batch import Normalizer
from graphlearn.datasets.gauge import predicted_trajectory
from graphlearn.datasets.trajectories import TDDFTTrajectories
from graphlearn.models import OrbEvo
from graphlearn.training.evaluate import COLUMNS, MODEL, Prediction, mean_errors, predict
from graphlearn.training.figures import absorption_figure, dipole_figure, error_growth_figure, learning_curve
from graphlearn.training.loop import TrainingResult
from tdddft.figures import save_figure
from tdddft.provenance import package_versions
from tdddft.trajectory import Trajectory, write_trajectory


@dataclass(frozen=True, eq=False)
class EvaluatedSet:
    """One test set: its ids, true trajectories, predictions by method, and mean errors."""

    names: list[str]
    trajectories: list[Trajectory]
    predictions: list[dict[str, Prediction]]
    errors: dict[str, dict[str, float]]


def evaluate_set(
    model: OrbEvo, normalizer: Normalizer, data: str | Path | dict[str, Path], names: Sequence[str]
) -> EvaluatedSet:
    """Predict and score the trajectories of these ids."""
    subset = TDDFTTrajectories(data, select=names, cutoff_angstrom=model.cutoff_angstrom, shells=model.shells)
    predictions = predict(model, normalizer, subset)
    trajectories = [subset.raw(i) for i in range(len(subset))]
    return EvaluatedSet(list(names), trajectories, predictions, mean_errors(trajectories, predictions))


def write_report(result: TrainingResult, sets: Mapping[str, EvaluatedSet], folder: Path) -> list[Path]:
    """Write predicted trajectories, ``results.json``, ``results.md`` and the figures; returns what a reader opens."""
    trajectories = [t for s in sets.values() for t in s.trajectories]
    predictions = [p for s in sets.values() for p in s.predictions]
    names = [n for s in sets.values() for n in s.names]
    for name, trajectory, methods in zip(names, trajectories, predictions, strict=True):
        delta = methods[MODEL].rolled_out
        delta = np.concatenate([np.zeros_like(delta[:1]), delta])
        provenance = {"versions": package_versions(), "model": type(result.model).__name__, "id": name}
        write_trajectory(folder / "predictions" / f"{name}.h5", predicted_trajectory(delta, trajectory, provenance))
    errors = {name: {"trajectories": s.names, "errors": s.errors} for name, s in sets.items()}
    (folder / "results.json").write_text(json.dumps(errors, indent=2))
    (folder / "results.md").write_text(markdown_table({name: s.errors for name, s in sets.items()}))
    figures = {
        "dipole": dipole_figure(trajectories, predictions),
        "absorption": absorption_figure(trajectories, predictions),
        "error_growth": error_growth_figure({name: (s.trajectories, s.predictions) for name, s in sets.items()}),
        "learning_curve": learning_curve(result.losses, result.validations),
    }
    paths = [save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]
    return [folder / "results.md", folder / "predictions", *paths]


def markdown_table(sets: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The errors as a Markdown table."""
    lines = ["| held out | method | " + " | ".join(COLUMNS.values()) + " |", "|" + "---|" * (len(COLUMNS) + 2)]
    for name, methods in sets.items():
        for method, row in methods.items():
            lines.append(f"| {name} | {method} | " + " | ".join(f"{row[c]:.3f}" for c in COLUMNS) + " |")
    return "\n".join(lines) + "\n"
