"""Evaluation of a trained model on named test sets: errors, tables, predicted trajectories, figures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphlearn.base.file_names import file_name
from graphlearn.base.files import replace_csv
from graphlearn.base.plotting import save_figure
from graphlearn.base.provenance import package_versions
from graphlearn.orbitals.data.target import predicted_trajectory
from graphlearn.orbitals.evaluate import COLUMNS, HORIZONS, EvaluatedTrajectory, horizon_column, mean_errors
from graphlearn.orbitals.figures import absorption_figure, dipole_figure, error_growth_figure
from tdddft.trajectory.trajectory import write_trajectory

SHOWN = 6  # trajectories of a set that are drawn and written
HORIZON_COLUMNS = {horizon_column(t): f"first {t}" for t in HORIZONS}


@dataclass(frozen=True, eq=False)
class EvaluatedSet:
    """One test set.

    Args:
        model: Class of the model.
        rows: Errors of each trajectory: id, then method, then column.
        growth: Mean error of the wavefunction frame by frame, by method, and the times of the frames, fs.
        shown: Its first trajectories with their predictions, those left out whose rollout diverged.
    """

    model: str
    rows: Mapping[str, Mapping[str, Mapping[str, float]]]
    growth: Mapping[str, np.ndarray]
    times_fs: np.ndarray
    shown: list[EvaluatedTrajectory]

    @property
    def errors(self) -> dict[str, dict[str, float]]:
        """Mean errors by method and column."""
        return mean_errors(self.rows.values())


def summarise(
    results: Iterable[EvaluatedTrajectory], on_trajectory: Callable[[int], None] = lambda _: None
) -> EvaluatedSet:
    """Keep the numbers of all trajectories and the predictions of the first few."""
    rows: dict[str, Mapping[str, Mapping[str, float]]] = {}
    curves: dict[str, list[np.ndarray]] = {}
    shown: list[EvaluatedTrajectory] = []
    times_fs, model = np.empty(0), ""
    for result in results:
        model = result.model
        rows[result.name] = result.errors
        for method, curve in result.growth.items():
            curves.setdefault(method, []).append(curve)
        if len(shown) < SHOWN and result.predictions[model].rolled_out is not None:
            shown.append(result)
        on_trajectory(len(rows))
        times_fs = result.trajectory.times_fs if len(rows) == 1 else times_fs
    shortest = min(len(c) for each in curves.values() for c in each)
    growth = {m: np.mean([c[:shortest] for c in each], axis=0) for m, each in curves.items()}
    return EvaluatedSet(model, rows, growth, times_fs[1 : shortest + 1], shown)


def write_report(sets: Mapping[str, EvaluatedSet], folder: Path) -> list[Path]:
    """Write predicted trajectories, tables, ``results.json`` and the figures; returns what a reader opens."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [e for s in sets.values() for e in s.shown]
    for e in shown:
        delta = e.predictions[e.model].rolled_out
        assert delta is not None
        delta = np.concatenate([np.zeros_like(delta[:1]), delta])
        provenance = {"versions": package_versions(), "model": e.model, "id": e.name}
        file = folder / "predictions" / f"{file_name(e.name)}.h5"
        write_trajectory(file, predicted_trajectory(delta, e.trajectory, provenance))
    errors = {name: {"trajectories": list(s.rows), "errors": drop_nonfinite(s.errors)} for name, s in sets.items()}
    (folder / "results.json").write_text(json.dumps(errors, indent=2))
    means = {name: s.errors for name, s in sets.items()}
    growth = "Error of the wave function over the first frames of the rollout\n\n"
    tables = markdown_table(means, COLUMNS) + "\n" + growth + markdown_table(means, HORIZON_COLUMNS)
    (folder / "results.md").write_text(tables)
    _write_rows(folder / "trajectories.csv", sets)
    figures = {"error_growth": error_growth_figure(sets)}
    if shown:
        figures |= {"dipole": dipole_figure(shown), "absorption": absorption_figure(shown)}
    paths = [save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]
    return [folder / "results.md", folder / "trajectories.csv", folder / "predictions", *paths]


def markdown_table(sets: Mapping[str, Mapping[str, Mapping[str, float]]], columns: Mapping[str, str]) -> str:
    """Some columns of the errors as a Markdown table; methods that have none of them are left out."""
    lines = ["| held out | method | " + " | ".join(columns.values()) + " |", "|" + "---|" * (len(columns) + 2)]
    for name, methods in sets.items():
        for method, row in methods.items():
            if any(not math.isnan(row[c]) for c in columns):
                lines.append(f"| {name} | {method} | " + " | ".join(format_number(row[c]) for c in columns) + " |")
    return "\n".join(lines) + "\n"


def format_number(value: float) -> str:
    """Three digits after the point, a dash for what a method does not predict, or a word for what diverged."""
    return "–" if math.isnan(value) else f"{value:.3f}" if math.isfinite(value) else "diverged"


def drop_nonfinite(errors: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """JSON has no NaN: what a method does not predict, or what diverged, is left out."""
    return {m: {c: v for c, v in row.items() if math.isfinite(v)} for m, row in errors.items()}


def _write_rows(path: Path, sets: Mapping[str, EvaluatedSet]) -> None:
    columns = (*COLUMNS, *HORIZON_COLUMNS)
    rows = (
        [section, name, method, *("" if math.isnan(row[c]) else f"{row[c]:.6g}" for c in columns)]
        for section, s in sets.items()
        for name, methods in s.rows.items()
        for method, row in methods.items()
    )
    replace_csv(path, ["set", "id", "method", *columns], rows)
