import os
import signal
import time

import pytest

from tdddft.pool import WorkerPool, map_unordered


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
