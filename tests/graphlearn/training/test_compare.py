"""One comparison of anything: kept runs, failed runs, cut-off lines, growth, and the table."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from graphlearn.base.errors import InputError
from graphlearn.training.compare import RUNS, Column, Comparison, Run, compare, read_runs
from graphlearn.training.comparison_table import ComparisonTable

ERROR, SCORE = Column("error", "error", False), Column("score", "score (%)", factor=100.0, digits=1)


@dataclass(frozen=True)
class Toy(Comparison):
    """Figures that follow from the names of a run; every run that is done leaves a line in a file."""

    log: Path
    variants: tuple[str, ...] = ("a", "b")
    seeds: tuple[int, ...] = (0, 1)
    folds: tuple[int, ...] = (0,)
    layers: tuple[int, ...] = (2,)
    channels: int = 8
    broken: tuple[str, ...] = ()

    title = "toys"
    columns = (SCORE, ERROR)

    def runs(self):
        order = product(self.seeds, self.folds, self.layers, self.variants)
        return [Run(variant, f"{depth} layers", seed, fold) for seed, fold, depth, variant in order]

    def settings(self, run) -> dict[str, Any]:
        return {"network": {"channels": self.channels}, "data_set": "0f"}

    def prepare(self):
        with self.log.open("a") as file:
            file.write("prepared\n")
        return self

    def do(self, run, folder):
        if run.variant in self.broken:
            raise RuntimeError("the loss is nan")
        with self.log.open("a") as file:
            file.write(f"{run.variant} {run.seed}\n")
        score = {"a": 0.5, "b": 0.8}[run.variant] + 0.02 * run.seed + 0.1 * run.fold
        return {"figures": {"score": score, "error": 1 - score}}

    def references(self, lines):
        return {"nothing": {"score": 0.25}}


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr("graphlearn.training.compare.map_unordered", lambda function, work, _: map(function, work))


def test_finished_runs_are_kept_and_more_are_added(log, tmp_path, in_this_process):
    out, seen = tmp_path / "runs", []
    first = compare(Toy(log), out, jobs=1, on_run=lambda n, line: seen.append((n, line["variant"])))
    assert [Run.of(line) for line in first.done] == Toy(log).runs()
    assert seen == [(1, "a"), (2, "b"), (3, "a"), (4, "b")]
    more = compare(Toy(log, seeds=(0, 1, 2), folds=(0, 1), layers=(2, 4)), out, jobs=1)
    assert len(more.done) == 24
    assert log.read_text().splitlines().count("prepared") == 2
    again = compare(Toy(log), out, jobs=1)
    assert again.done == first.done
    assert len(log.read_text().splitlines()) == 24 + 2


def test_results_do_not_depend_on_the_number_of_workers(log, tmp_path):
    one, two = (compare(Toy(log), tmp_path / str(jobs), jobs=jobs).done for jobs in (1, 2))
    assert one == two


def test_lines_that_a_kill_cut_off_are_left_out_and_their_runs_done_again(log, tmp_path, in_this_process):
    whole = compare(Toy(log), tmp_path, jobs=1).done
    lines = (tmp_path / RUNS).read_text().splitlines()
    (tmp_path / RUNS).write_text("\n".join([*lines[:2], lines[2][:-30], "[]", '{"variant": "a"}']))
    assert len(list(read_runs(tmp_path))) == 2
    assert compare(Toy(log), tmp_path, jobs=1).done == whole
    assert len((tmp_path / RUNS).read_text().splitlines()) == 4


def test_failed_runs_are_reported_and_tried_again(log, tmp_path, in_this_process):
    done, failed = compare(Toy(log, broken=("b",)), tmp_path, jobs=1)
    assert [line["variant"] for line in done] == ["a", "a"]
    assert {line["error"] for line in failed} == {"the loss is nan"}
    assert len(compare(Toy(log), tmp_path, jobs=1).done) == 4
    with pytest.raises(InputError, match="every run failed; the first: the loss is nan"):
        compare(Toy(log, broken=("a", "b")), tmp_path / "other", jobs=1)


def test_runs_of_another_recipe_are_refused_with_the_key(log, tmp_path, in_this_process):
    compare(Toy(log), tmp_path, jobs=1)
    with pytest.raises(InputError, match=r"holds runs that differ in network\.channels; choose another folder"):
        compare(Toy(log, channels=16), tmp_path, jobs=1)


def test_runs_of_an_earlier_version_are_refused(log, tmp_path, in_this_process):
    line = {"readout": "mean", "depth": 5, "seed": 0, "fold": 0, "score": 0.5, "metric": "accuracy"}
    (tmp_path / RUNS).write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match="written by an earlier version of graphlearn; choose another folder"):
        compare(Toy(log), tmp_path, jobs=1)


def test_the_folder_of_a_run_stays_inside(tmp_path):
    for variant in ("../up", "a/b", "/abs", "x" * 300):
        assert Run(variant, "../2", 3).folder(tmp_path).parent == tmp_path


def test_the_table_gives_mean_and_spread_over_folds_and_the_best_in_its_direction(log, tmp_path, in_this_process):
    toy = Toy(log, folds=(0, 1))
    table = ComparisonTable(toy, compare(toy, tmp_path, jobs=1).done)
    cell = table.cell("a", "2 layers", "score")
    assert cell.mean == pytest.approx(0.56)
    assert cell.std == pytest.approx(math.sqrt(0.005))  # of 0.51 and 0.61: the seeds of a fold count as one
    assert (cell.stderr, cell.runs) == (pytest.approx(0.05), 4)
    assert table.markdown().splitlines() == [
        "|  | score (%) | error | runs |",
        "| --- | --- | --- | --- |",
        "| a | 56.0 ± 7.1 | 0.440 ± 0.071 | 4 |",
        "| b | **86.0 ± 7.1** | **0.140 ± 0.071** | 4 |",
        "| nothing | 25.0 | – | – |",
    ]
    assert len(table.summary()) == 4
    assert table.figure().axes[0].get_xlabel() == "score (%)"


def test_one_run_has_no_error_bar_and_several_settings_are_columns(log, tmp_path, in_this_process):
    toy = Toy(log, seeds=(0,), layers=(2, 4))
    table = ComparisonTable(toy, compare(toy, tmp_path, jobs=1).done)
    assert table.markdown().splitlines()[2].startswith("| a | 50.0 | 0.500 | 50.0 | 0.500 | 2 |")
    (axes,) = table.figure().axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2 layers", "4 layers"]
    assert json.dumps(table.summary(), allow_nan=False)
