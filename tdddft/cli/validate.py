"""``tdddft validate``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlearn.base.cli.shell import only_json, out, progress
from graphlearn.base.cli.signals import stop_on_signals
from graphlearn.base.errors import InputError
from tdddft.cli.status import say_bad_lines

if TYPE_CHECKING:
    from tdddft.dataset.check import FolderReport
    from tdddft.dataset.store import DatasetFolder

MARK = {True: "ok  ", False: "FAIL", None: "n/a "}


def validate(
    path: Annotated[Path, typer.Argument(help="a trajectory file or a data-set folder")],
    repair: Annotated[
        bool,
        typer.Option("--repair", help="generate what is broken or gone again, and mend the index and selection.csv"),
    ] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="worker processes of a repair")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON, and nothing else")] = False,
) -> None:
    """Judge trajectories by every rule of the file contract; exit code 1 if one is broken.

    Example: tdddft validate runs/small --repair
    """
    if jobs is not None and not repair:
        raise InputError("--jobs has no effect without --repair")
    if repair and not path.is_dir():
        raise InputError(f"--repair makes trajectories of a data-set folder again; {path} is not a folder")
    with only_json(as_json) as write:
        valid, content = _validate_folder(path, repair, jobs) if path.is_dir() else _validate_file(path)
        write(content)
    if not valid:
        raise typer.Exit(1)


def _validate_folder(path: Path, repair: bool, jobs: int | None) -> tuple[bool, dict[str, Any]]:
    from tdddft.dataset.store import DatasetFolder

    folder = DatasetFolder(path)
    report = _check(folder)
    complete = True
    if repair and (report.broken or report.unlisted or report.bad_lines):
        complete = _repair(folder, report, jobs)
        report = _check(folder)
    out.print(f"{report.files - len(report.broken)} of {report.files} valid")
    if report.unlisted:
        out.print(f"{len(report.unlisted)} more files are not in the index; --repair adds those that are valid")
    if report.broken:
        out.print(f"'tdddft validate {path} --repair' makes them again", soft_wrap=True)
    for line in say_bad_lines(folder, report.bad_lines):
        out.print(line, markup=False, soft_wrap=True)
    valid = complete and not (report.broken or report.unlisted or report.bad_lines)
    rules = {
        rule: {"passed": report.passed[rule], "failed": report.failed[rule], "skipped": report.not_applicable[rule]}
        for rule in report.rules
    }
    return valid, {
        "valid": valid, "files": report.files, "rules": rules, "broken": dict(report.broken),
        "unlisted": sorted(report.unlisted), "bad_lines": report.bad_lines,
    }  # fmt: skip


def _validate_file(path: Path) -> tuple[bool, dict[str, Any]]:
    from tdddft.trajectory import read_trajectory
    from tdddft.trajectory.validation import validate as validate_trajectory

    results = validate_trajectory(read_trajectory(path, finite=False))
    for v in results:
        out.print(f"{MARK[v.passed]} {v.rule:24} {v.detail}", markup=False, soft_wrap=True)
    valid = all(v.passed is not False for v in results)
    out.print(f"{int(valid)} of 1 valid")
    rules = {v.rule: {"passed": None if v.passed is None else bool(v.passed), "detail": v.detail} for v in results}
    return valid, {"valid": valid, "rules": rules}


def _check(folder: DatasetFolder) -> FolderReport:
    from tdddft.dataset.check import check_folder

    done = sum(r["status"] == "done" for r in folder.records().values())
    with progress("checking", done) as show:
        report = check_folder(folder, show)
    for rule in report.rules:
        failed, passed, skipped = report.failed[rule], report.passed[rule], report.not_applicable[rule]
        mark = MARK[False] if failed else MARK[True] if passed else MARK[None]
        note = f", {skipped} where it does not apply" if skipped else ""
        out.print(f"{mark} {rule:24} {passed} of {passed + failed}{note}")
    for identifier, wrong in report.broken.items():
        out.print(f"FAIL {identifier}: {'; '.join(wrong)}", markup=False, soft_wrap=True)
    return report


def _repair(folder: DatasetFolder, report: FolderReport, jobs: int | None) -> bool:
    from tdddft.dataset.generate import run_plan
    from tdddft.dataset.plan import plan
    from tdddft.dataset.repair import repair_selection

    whole = plan(folder.recipe())
    if repair_selection(folder, whole):
        out.print(f"wrote {folder.selection} again", markup=False, soft_wrap=True)
    wanted = {*report.broken, *report.unlisted}
    with progress("repairing", len(wanted)) as show, stop_on_signals() as stop:
        summary = run_plan(
            whole.only(wanted), folder, jobs=jobs, redo=report.broken, retry_failed=True, stop=stop,
            on_record=lambda _, s: show(s.done + len(s.failed), "", s.fraction),
        )  # fmt: skip
    out.print(f"repaired: {summary.done} of {summary.total} trajectories are there now")
    for record in summary.failed:
        out.print(f"FAIL {record['id']}: {record['error']}", markup=False, soft_wrap=True)
    if summary.stopped:
        stop.exit()
    return not summary.failed
