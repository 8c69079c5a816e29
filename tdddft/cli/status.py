"""``tdddft status``"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.text import Text

from graphlearn.base.cli.shell import out
from graphlearn.base.errors import InputError

if TYPE_CHECKING:
    from tdddft.dataset.progress import RunState
    from tdddft.dataset.store import DatasetFolder

SECONDS_BETWEEN = 2.0
FAILURES_SHOWN = 20


def status(
    folder: Annotated[Path, typer.Argument(help="data-set folder")],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="keep looking until Ctrl-C")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the counts, runs and failures as JSON")] = False,
) -> None:
    """Count finished, failed and missing trajectories of a data set, and tell what is running.

    Example: tdddft status runs/small --watch
    """
    if watch and as_json:
        raise InputError("--json prints once; leave out --watch")
    from tdddft.dataset.store import DatasetFolder

    dataset = DatasetFolder(folder)
    wanted = _wanted(dataset)
    if as_json:
        print(json.dumps(asdict(look(dataset, wanted)), indent=2))
        return
    if not watch:
        out.print(describe(dataset, wanted), markup=False, soft_wrap=True)
        return
    with Live(Text(describe(dataset, wanted)), console=out) as live:
        while True:
            time.sleep(SECONDS_BETWEEN)
            live.update(Text(describe(dataset, wanted)))


@dataclass(frozen=True)
class Status:
    """How far a data set is.

    Args:
        finished: Trajectories that are there.
        missing: Trajectories that are neither there nor failed.
        shorter: Trajectories that are there with fewer steps than the recipe asks for.
        wanted: Trajectories of the whole set.
        core_seconds: Spent on each finished one, where that is known.
        failures: Errors by id.
        runs: What runs in the folder at the moment.
        bad_lines: Lines of the index and of the selection table that cannot be used.
    """

    finished: int
    missing: int
    shorter: int
    wanted: int
    core_seconds: list[float]
    failures: dict[str, str]
    runs: list[RunState]
    bad_lines: list[str]


def look(dataset: DatasetFolder, wanted: int) -> Status:
    """How far a data set is.

    Args:
        dataset: The data-set folder.
        wanted: Trajectories of the whole set.

    Returns:
        Counts, failures and runs.
    """
    from tdddft.dataset.progress import read_run_states

    records = dataset.records()
    failures = {i: str(r.get("error", "")) for i, r in records.items() if r["status"] == "failed"}
    done = [r for r in records.values() if r["status"] == "done" and dataset.path(r["id"]).is_file()]
    seconds = [r["seconds"] + (r.get("ground_state_seconds") or 0.0) for r in done if r.get("seconds")]
    steps = dataset.recipe().propagation.steps
    shorter = [r for r in done if r.get("steps", steps) < steps]
    done = [r for r in done if r not in shorter]
    missing = wanted - len(done) - len(shorter) - len(failures)
    runs, bad = read_run_states(dataset.root), dataset.bad_lines()
    return Status(len(done), missing, len(shorter), wanted, seconds, failures, runs, bad)


def describe(dataset: DatasetFolder, wanted: int) -> str:
    """The text of the status, one fact per line.

    Args:
        dataset: The data-set folder.
        wanted: Trajectories of the whole set.

    Returns:
        Several lines.
    """
    now = look(dataset, wanted)
    shorter = f", {now.shorter} to be lengthened" if now.shorter else ""
    lines = [f"{now.finished} finished{shorter}, {len(now.failures)} failed, {now.missing} missing of {now.wanted}"]
    seconds = now.core_seconds
    if seconds:
        lines.append(
            f"{sum(seconds) / len(seconds):.1f} core-seconds per trajectory, {sum(seconds) / 3600:.2f} hours so far"
        )
    from tdddft.dataset.linear_error import read_linear_error

    error = read_linear_error(dataset.root)
    lines += [str(error)] if error is not None else []
    lines += [_running(state) for state in now.runs]
    lines += [f"failed: {i}: {error}" for i, error in list(now.failures.items())[:FAILURES_SHOWN]]
    if len(now.failures) > FAILURES_SHOWN:
        lines.append(f"... and {len(now.failures) - FAILURES_SHOWN} more failures, all in {dataset.root / 'log'}")
    return "\n".join([*lines, *say_bad_lines(dataset, now.bad_lines)])


def say_bad_lines(dataset: DatasetFolder, bad: list[str]) -> list[str]:
    """Text about lines that cannot be used: how many, the first of them, and what to do.

    Args:
        dataset: The data-set folder.
        bad: What is wrong with each line.

    Returns:
        Lines of text; none where nothing is wrong.
    """
    if not bad:
        return []
    count = f"{len(bad)} bad lines are passed over; 'tdddft validate {dataset.root} --repair' mends the files:"
    more = [f"... and {len(bad) - FAILURES_SHOWN} more"] if len(bad) > FAILURES_SHOWN else []
    return [count, *bad[:FAILURES_SHOWN], *more]


def _wanted(dataset: DatasetFolder) -> int:
    from tdddft.dataset.plan import plan

    recipe = dataset.recipe()
    if not dataset.selection.is_file():
        return len(plan(recipe).ids)
    table = dataset.chosen()
    return sum(len(recipe.field.fields(name)) for name in (*table.names, *table.bad))


def _running(state: RunState) -> str:
    eta = state.eta_seconds(datetime.now(UTC))
    left = "" if eta is None else f", {timedelta(seconds=round(eta))} left"
    names = ", ".join(state.current[:8]) + (", ..." if len(state.current) > 8 else "")
    return f"running on {state.workers} workers since {state.started_at}: {100 * state.fraction:.0f} %{left}; {names}"
