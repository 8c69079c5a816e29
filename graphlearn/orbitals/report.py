"""Evaluation of a trained model on named test sets: errors, tables, predicted trajectories, figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from graphlearn.base.file_names import file_name
from graphlearn.base.plain_files import file_hash
from graphlearn.base.plotting import save_figure
from graphlearn.base.provenance import package_versions
from graphlearn.orbitals.data.target import predicted_trajectory
from graphlearn.orbitals.evaluate import COLUMNS
from graphlearn.orbitals.evaluated_set import EvaluatedSet
from graphlearn.orbitals.figures import absorption_figure, dipole_figure, error_growth_figure
from graphlearn.orbitals.tables import HORIZON_COLUMNS, error_table, trajectory_table
from tdddft.trajectory import Provenance, write_trajectory


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
    growth = "Error of the wave function over the first frames of the rollout"
    parts = [error_table(sets, COLUMNS).markdown(), growth, error_table(sets, HORIZON_COLUMNS).markdown()]
    (folder / "results.md").write_text("\n\n".join(parts) + "\n")
    trajectory_table(sets).write_csv(folder / "trajectories.csv")
    figures = {"error_growth": error_growth_figure(sets)}
    if shown:
        figures |= {"dipole": dipole_figure(shown), "absorption": absorption_figure(shown)}
    paths = [save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]
    return [folder / "results.md", folder / "trajectories.csv", folder / "predictions", *paths]
