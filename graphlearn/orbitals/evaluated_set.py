"""A model and its baselines on named test sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphlearn.models import OrbitalModel
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories
from graphlearn.orbitals.evaluate import Baseline, Errors, EvaluatedTrajectory, evaluate

SHOWN = 6  # trajectories of a set that are drawn and written
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


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

    def to_dict(self) -> dict[str, Any]:
        """Ids and mean errors, for JSON, which has no NaN: what a method does not predict, or diverged, is left out."""
        return {"trajectories": list(self.rows), "errors": drop_nonfinite(self.errors)}

    @property
    def errors(self) -> dict[str, dict[str, float]]:
        """Mean errors by method and column."""
        return mean_errors(self.rows.values())


def summarise(
    results: Iterable[EvaluatedTrajectory], on_trajectory: Callable[[int], None] = lambda _: None
) -> EvaluatedSet:
    """Keep the numbers of all trajectories and the predictions of the first few.

    Args:
        results: One per trajectory.
        on_trajectory: Called with the number of finished ones.

    Returns:
        Numbers, curves and predictions.
    """
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


def evaluate_sets(
    model: OrbitalModel,
    normalizer: Normalizer,
    data: Path,
    sets: Mapping[str, Sequence[str]],
    baselines: Mapping[str, Baseline],
    bar: Bar = lambda name, total: nullcontext(lambda done: None),
) -> dict[str, EvaluatedSet]:
    """Predict and score the trajectories of some test sets.

    Args:
        model: On the device to compute on.
        normalizer: Its units.
        data: Data-set folder.
        sets: Ids by name of the set.
        baselines: By name.
        bar: Shows how far a set is, from its name and size.

    Returns:
        Results by name of the set.
    """
    results = {}
    for name, ids in sets.items():
        subset = TDDFTTrajectories(data, select=ids, cache=0, **model.geometry)
        with bar(name, len(subset)) as show:
            results[name] = summarise(evaluate(model, normalizer, subset, baselines), show)
    return results


def mean_errors(rows: Iterable[Mapping[str, Errors]]) -> dict[str, dict[str, float]]:
    """Errors of every method, averaged over the trajectories it says something about: method -> column -> value."""
    by_method: dict[str, list[Errors]] = {}
    for row in rows:
        for method, errors in row.items():
            by_method.setdefault(method, []).append(errors)
    return {m: {c: _mean([e[c] for e in each]) for c in each[0]} for m, each in by_method.items()}


def _mean(values: list[float]) -> float:
    known = [v for v in values if not np.isnan(v)]
    return float(np.mean(known)) if known else float("nan")


def drop_nonfinite(errors: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """JSON has no NaN: what a method does not predict, or what diverged, is left out."""
    return {m: {c: v for c, v in row.items() if math.isfinite(v)} for m, row in errors.items()}
