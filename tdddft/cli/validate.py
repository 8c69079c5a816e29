"""``tdddft validate``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import out, progress
from tdddft.cli.stopping import stop_on_signals
from tdddft.folder import DatasetFolder
from tdddft.folder_check import FolderReport, check_folder
from tdddft.generation import generate
from tdddft.trajectory import read_trajectory
from tdddft.validation import validate as validate_trajectory

MARK = {True: "ok  ", False: "FAIL", None: "n/a "}


def validate(
    path: Annotated[Path, typer.Argument(help="a trajectory file or a data-set folder")],
    repair: Annotated[
        bool, typer.Option("--repair", help="generate what is broken or gone again, and list what the index lost")
    ] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="worker processes of a repair")] = None,
) -> None:
    """Judge trajectories by every rule of the file contract; exit code 1 if one is broken.

    Example: tdddft validate runs/small --repair
    """
    if not path.is_dir():
        _validate_file(path)
        return
    folder = DatasetFolder(path)
    report = _check(folder)
    complete = True
    if repair and (report.broken or report.unlisted):
        complete = _repair(folder, report, jobs)
        report = _check(folder)
    out.print(f"{report.files - len(report.broken)} of {report.files} valid")
    if report.unlisted:
        out.print(f"{len(report.unlisted)} more files are not in the index; --repair adds those that are valid")
    if report.broken:
        out.print(f"'tdddft validate {path} --repair' makes them again", soft_wrap=True)
    if report.broken or report.unlisted or not complete:
        raise typer.Exit(1)


def _validate_file(path: Path) -> None:
    verdicts = validate_trajectory(read_trajectory(path))
    for v in verdicts:
        out.print(f"{MARK[v.passed]} {v.rule:24} {v.detail}", markup=False, soft_wrap=True)
    valid = all(v.passed is not False for v in verdicts)
    out.print(f"{int(valid)} of 1 valid")
    if not valid:
        raise typer.Exit(1)


def _check(folder: DatasetFolder) -> FolderReport:
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
    recipe = folder.recipe()
    wanted = {*report.broken, *report.unlisted}
    with progress("repairing", len(wanted)) as show, stop_on_signals() as stop:
        summary = generate(
            recipe, folder.root, jobs=jobs, only=wanted, redo=report.broken, retry_failed=True, stop=stop,
            on_record=lambda _, s: show(s.done + len(s.failed), "", s.state.fraction),
        )  # fmt: skip
    out.print(f"repaired: {summary.done} of {summary.total} trajectories are there now")
    for record in summary.failed:
        out.print(f"FAIL {record['id']}: {record['error']}", markup=False, soft_wrap=True)
    if summary.stopped:
        stop.exit()
    return not summary.failed
