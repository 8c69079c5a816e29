"""Evaluation of a trained model on named test sets: errors, tables, predicted trajectories, figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from graphlearn.base.file_names import file_name
from graphlearn.base.files import replace_csv
from graphlearn.base.plain_files import file_hash
from graphlearn.base.plotting import save_figure
from graphlearn.base.provenance import package_versions
from graphlearn.orbitals.data.target import predicted_trajectory
from graphlearn.orbitals.evaluate import COLUMNS, HORIZONS, horizon_column
from graphlearn.orbitals.evaluated_set import EvaluatedSet
from graphlearn.orbitals.figures import absorption_figure, dipole_figure, error_growth_figure
from tdddft.trajectory import Provenance, write_trajectory

HORIZON_COLUMNS = {horizon_column(t): f"first {t}" for t in HORIZONS}


def write_report(sets: Mapping[str, EvaluatedSet], folder: Path, weights: Path | None = None) -> list[Path]:
    """Write predicted trajectories, tables, ``results.json`` and the figures.

    Args:
        sets: Evaluated test sets by name.
        folder: Where to write.
        weights: ``model.safetensors`` of the model, whose checksum the predictions name.

    Returns:
        The files and folders that a reader opens.
    """
    checksum = None if weights is None else file_hash(weights)
    folder.mkdir(parents=True, exist_ok=True)
    shown = [e for s in sets.values() for e in s.shown]
    for e in shown:
        delta = e.predictions[e.model].rolled_out
        assert delta is not None
        delta = np.concatenate([np.zeros_like(delta[:1]), delta])
        provenance = Provenance(versions=package_versions(), model=e.model, id=e.name, weights_sha256=checksum)
        file = folder / "predictions" / f"{file_name(e.name)}.h5"
        write_trajectory(file, predicted_trajectory(delta, e.trajectory, provenance))
    (folder / "results.json").write_text(json.dumps({name: s.to_dict() for name, s in sets.items()}, indent=2))
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
    """Some columns of the errors as a Markdown table; methods that have none of them are left out.

    Args:
        sets: Mean errors by set, method and column.
        columns: Headings by key of the errors.

    Returns:
        Lines.
    """
    lines = ["| held out | method | " + " | ".join(columns.values()) + " |", "|" + "---|" * (len(columns) + 2)]
    for name, methods in sets.items():
        for method, row in methods.items():
            if any(not math.isnan(row[c]) for c in columns):
                lines.append(f"| {name} | {method} | " + " | ".join(format_number(row[c]) for c in columns) + " |")
    return "\n".join(lines) + "\n"


def format_number(value: float) -> str:
    """Three digits after the point, a dash for what a method does not predict, or a word for what diverged."""
    return "–" if math.isnan(value) else f"{value:.3f}" if math.isfinite(value) else "diverged"


def _write_rows(path: Path, sets: Mapping[str, EvaluatedSet]) -> None:
    columns = (*COLUMNS, *HORIZON_COLUMNS)
    rows = (
        [section, name, method, *("" if math.isnan(row[c]) else f"{row[c]:.6g}" for c in columns)]
        for section, s in sets.items()
        for name, methods in s.rows.items()
        for method, row in methods.items()
    )
    replace_csv(path, ["set", "id", "method", *columns], rows)
