import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from graphlearn.base.workers.pool import WorkerPool, map_unordered, signals_left_to_the_parent
from graphlearn.base.workers.scratch import scratch_folder


def squares(item, stop):
    for i in range(item):
        yield i * i


def pid(item, stop):
    yield os.getpid(), os.environ["OMP_NUM_THREADS"]


def dies_once(path, stop):
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield "survived"


def until_stopped(item, stop):
    yield "begun"
    while not stop():
        time.sleep(0.02)
    yield "stopped"


def fails(item, stop):
    raise ValueError(f"bad item {item}")


def leaves_a_temporary_file(path, stop):
    with tempfile.NamedTemporaryFile() as file:
        yield file.name
        if path:
            path.write_text(file.name)
            time.sleep(600)
        os.kill(os.getpid(), signal.SIGKILL)


def half(item):
    return item / 2


def run(function, items, workers, **options):
    pool = WorkerPool(function, workers, **options)
    for item in items:
        pool.add(item)
    return pool, pool.outcomes()


def test_all_results_of_all_items_come_back():
    _, outcomes = run(squares, [3, 1, 0, 4], 2)
    seen = list(outcomes)
    assert sorted((o.item, o.result) for o in seen if o.kind == "result") == sorted(
        (n, i * i) for n in (3, 1, 0, 4) for i in range(n)
    )
    assert sorted(o.item for o in seen if o.kind == "done") == [0, 1, 3, 4]
    assert sorted(o.item for o in seen if o.kind == "begun") == [0, 1, 3, 4]


def test_workers_are_other_processes_with_one_thread():
    _, outcomes = run(pid, range(4), 2)
    found = {o.result for o in outcomes if o.kind == "result"}
    assert os.getpid() not in {process for process, _ in found}
    assert {threads for _, threads in found} == {"1"}


def test_a_death_costs_one_item_and_can_be_tried_again(tmp_path):
    pool, outcomes = run(dies_once, [tmp_path / "a"], 1)
    kinds = []
    for outcome in outcomes:
        kinds.append(outcome.kind)
        if outcome.kind == "died":
            assert outcome.reason.startswith("SIGKILL")
            pool.add(outcome.item)
    assert kinds == ["begun", "died", "begun", "result", "done"]


def test_stop_reaches_the_workers_and_nothing_new_begins():
    asked = []
    _, outcomes = run(until_stopped, ["a", "b"], 1, stop=lambda: bool(asked))
    seen = []
    for outcome in outcomes:
        seen.append((outcome.kind, outcome.result))
        asked.append(True)
    assert seen == [("begun", None), ("result", "begun"), ("result", "stopped"), ("done", None)]


def test_an_exception_of_the_function_comes_out_here():
    _, outcomes = run(fails, [5], 1)
    with pytest.raises(ValueError, match="bad item 5"):
        list(outcomes)


def test_map_unordered_gives_one_result_an_item_and_names_a_death(tmp_path):
    assert sorted(map_unordered(half, [2, 4, 6], 2)) == [1.0, 2.0, 3.0]
    assert list(map_unordered(half, [], 2)) == []
    with pytest.raises(RuntimeError, match="a worker process died"):
        list(map_unordered(os._exit, [3], 1))


def test_a_killed_worker_leaves_no_temporary_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("PYSCF_TMPDIR", raising=False)
    _, outcomes = run(leaves_a_temporary_file, [""], 1)
    begun, made, died = list(outcomes)
    assert (begun.kind, died.kind) == ("begun", "died")
    assert made.result.startswith(f"{tmp_path}/tdddft-workers-")
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_pool import leaves_a_temporary_file
from graphlearn.base.workers.pool import WorkerPool
if __name__ == "__main__":
    pool = WorkerPool(leaves_a_temporary_file, 1)
    pool.add(Path(sys.argv[1]))
    list(pool.outcomes())
"""


def test_a_killed_run_leaves_no_temporary_file(tmp_path):
    scratch, begun, script = tmp_path / "scratch", tmp_path / "begun", tmp_path / "run.py"
    scratch.mkdir()
    script.write_text(SCRIPT)
    environment = {k: v for k, v in os.environ.items() if k != "PYSCF_TMPDIR"} | {"TMPDIR": str(scratch)}
    command = [sys.executable, str(script), str(begun), str(Path(__file__).parent)]
    with subprocess.Popen(command, env=environment) as process:
        wait_until(begun.exists)
        assert len(list(scratch.iterdir())) == 1
        process.kill()
    wait_until(lambda: list(scratch.iterdir()) == [])


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_dead_runs_left_in_the_temporary_folder_is_removed_and_what_live_ones_use_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("PYSCF_TMPDIR", raising=False)
    dead, young, other = (tmp_path / n for n in ("tdddft-workers-dead", "tdddft-workers-young", "elsewhere"))
    for folder in (dead, young, other):
        folder.mkdir()
        (folder / "tmpx").touch()
    (tmp_path / "tdddft-workers-link").symlink_to(other)
    with scratch_folder() as living:
        for folder in (dead, living):
            os.utime(folder, (1, 1))
        with scratch_folder():
            assert living.is_dir()
            assert not dead.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["elsewhere", "tdddft-workers-link", "tdddft-workers-young"]
    assert (other / "tmpx").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_while_a_worker_starts_is_not_lost(number):
    seen = []
    before = signal.signal(number, lambda number, frame: seen.append(number))
    try:
        with signals_left_to_the_parent():
            signal.pthread_kill(threading.get_ident(), number)  # another thread of the tests may not block it
            assert seen == []
        assert seen == [number]
    finally:
        signal.signal(number, before)


def dispositions(item, stop):
    yield [signal.getsignal(n) == signal.SIG_IGN for n in (signal.SIGINT, signal.SIGTERM)]
    yield sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_workers_ignore_ctrl_c_and_sigterm_and_block_nothing():
    _, outcomes = run(dispositions, [0], 1)
    assert [o.result for o in outcomes if o.kind == "result"] == [[True, True], []]
