from datetime import UTC, datetime, timedelta

import pytest

from graphlearn.base.locks import is_locked, lock
from tdddft.cli.status import describe
from tdddft.dataset.ownership import locked
from tdddft.dataset.progress import RunState, read_run_state, read_run_states
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.store import DatasetFolder

RECIPE, TABLE = GenerateRecipe(name="set", molecules=("g2:H2O",)), "name\nH2O\n"


@pytest.fixture
def folder(tmp_path):
    dataset = DatasetFolder(tmp_path / "set")
    with locked(dataset, RECIPE, TABLE):
        pass
    return dataset


def test_time_left_follows_from_cost_not_from_counts():
    state = RunState(2, 100.0, cost_done=25.0, started_at="2026-01-01T00:00:00+00:00")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=60)
    assert state.fraction == 0.25
    assert state.eta_seconds(now) == pytest.approx(180.0)
    assert RunState(2, 100.0).eta_seconds(now) is None
    assert RunState(2, 0.0).fraction == 1.0


def test_a_state_is_believed_only_while_its_run_holds_the_folder(folder):
    state = RunState(3, 10.0, 5.0, ["H2O"])
    state.write(folder.run_file)
    assert read_run_state(folder.run_file) == state
    assert read_run_states(folder.root) == []
    with locked(folder, RECIPE, TABLE):
        assert read_run_states(folder.root) == [state]
        assert "running on 3 workers" in describe(folder, 1)
        assert "50 %" in describe(folder, 1)
        folder.run_file.write_text("{")
        assert read_run_states(folder.root) == []
        assert read_run_state(folder.run_file) is None
    assert "running" not in describe(folder, 1)


def test_a_lock_has_one_holder(tmp_path):
    path = tmp_path / ".lock"
    assert not is_locked(path)
    with lock(path) as first, lock(path) as second:
        assert first
        assert not second
        assert is_locked(path)
    assert not is_locked(path)


def test_many_failures_are_counted_and_some_are_named(folder):
    for i in range(25):
        folder.append({"id": f"a{i}", "status": "failed", "error": "ConvergenceError: no"})
    text = describe(folder, 30)
    assert text.startswith("0 finished, 25 failed, 5 missing of 30")
    assert text.count("ConvergenceError") == 20
    assert "and 5 more failures" in text
