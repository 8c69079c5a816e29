"""``graphlearn compare``"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from graphlearn.base.cli.shell import fail, out, progress
from graphlearn.cli.recipes import DATA_HELP, graph_recipe, recipe_task


def compare(
    recipe: Annotated[str, typer.Argument(help="recipe: a YAML file or a packed one, as histograph/mutag")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="folder of the runs")],
    data: Annotated[Path | None, typer.Option(help=DATA_HELP)] = None,
    readouts: Annotated[list[str] | None, typer.Option("--readout", help="only these; repeat it")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="worker processes; default: all cores")
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="change a key, as budget.epochs=20")] = None,
) -> None:
    """Compare readouts, or variants of a predictor of proteins, on the same budget and splits.

    Each run trains on one split, chooses its epoch on the validation part and is tested once. Interrupted and run
    again, it goes on.

    Example: graphlearn compare histograph/mutag --readout history --readout mean --out runs/mutag

    Example: graphlearn compare protein_rpn/ec --out runs/ec
    """
    from graphlearn.base.errors import InputError

    if recipe_task(recipe) == "proteins":
        if readouts:
            raise InputError("--readout is for recipes of graphs; variants of proteins stand in comparison.variants")
        return _compare_proteins(recipe, data, out_dir, jobs, overrides or [])
    return _compare_readouts(recipe, data, out_dir, jobs, readouts, overrides or [])


def _compare_readouts(
    recipe: str, data: Path | None, out_dir: Path, jobs: int | None, readouts: list[str] | None, overrides: list[str]
) -> None:
    from graphlearn.base.plotting import save_figure
    from graphlearn.graphs.compare import compare as compare_readouts, runs_of
    from graphlearn.graphs.report import comparison_figure, markdown, summarise

    settings = graph_recipe(recipe, data, overrides)
    settings = settings.only(readouts) if readouts else settings
    with progress("runs", len(runs_of(settings))) as show:
        lines, failed = compare_readouts(settings, out_dir, jobs=jobs, on_run=lambda n, line: show(n, _note(line)))
    text = markdown(lines)
    cells = summarise(lines)
    majority = 100 * sum(line["majority"] for line in lines) / len(lines)
    out.print(
        f"{settings.data.name}, test {lines[0]['metric']} in %, mean ± standard deviation; bold: within one standard "
        f"error of the best; the commonest class gives {majority:.1f}",
        soft_wrap=True,
    )
    out.print(text, markup=False, soft_wrap=True)
    (out_dir / "table.md").write_text(text + "\n")
    rows = [
        {"depth": d, "readout": r, **{k: v if v == v else None for k, v in cell._asdict().items()}}
        for (d, r), cell in cells.items()
    ]
    summary = {"recipe": settings.model_dump(mode="json"), "rows": rows, "failed": failed}
    (out_dir / "summary.json").write_text(json.dumps(summary, indent=2))
    figure = save_figure(comparison_figure(lines, settings.data.name), out_dir / "comparison.png")
    for path in (out_dir / "table.md", out_dir / "summary.json", figure):
        out.print(f"wrote {path}", soft_wrap=True)
    if failed:
        fail(
            f"{len(failed)} runs failed and are not in the table; the first, {_note(failed[0])}; run again to retry", 1
        )


def _compare_proteins(recipe: str, data: Path | None, out_dir: Path, jobs: int | None, overrides: list[str]) -> None:
    from graphlearn.base.plotting import save_figure
    from graphlearn.cli.recipes import protein_recipe
    from graphlearn.proteins.evaluation.tables import comparison_figure, comparison_table
    from graphlearn.proteins.training.compare import compare as compare_variants, runs_of

    settings = protein_recipe(recipe, data, overrides)
    with progress("runs", len(runs_of(settings))) as show:
        lines, failed = compare_variants(
            settings, out_dir, jobs=jobs, on_run=lambda n, line: show(n, _protein_note(line))
        )
    text = f"{comparison_table(lines)}\n\nbest hits found by {settings.data.search}"
    out.print(text, markup=False, soft_wrap=True)
    (out_dir / "table.md").write_text(text + "\n")
    summary = {"recipe": settings.model_dump(mode="json", exclude={"data": {"root"}}), "runs": lines, "failed": failed}
    (out_dir / "summary.json").write_text(json.dumps(summary, indent=2))
    figure = save_figure(comparison_figure(lines), out_dir / "comparison.png")
    for path in (out_dir / "table.md", out_dir / "summary.json", figure):
        out.print(f"wrote {path}", soft_wrap=True)
    if failed:
        fail(
            f"{len(failed)} runs failed and are not in the table; the first, {_protein_note(failed[0])}; "
            "run again to retry", 1,
        )  # fmt: skip


def _protein_note(line: dict[str, Any]) -> str:
    result = line["error"] if "error" in line else f"Fmax {line['errors']['all']['network']['fmax']:.3f}"
    return f"{line['variant']}, seed {line['seed']}: {result}"


def _note(line: dict[str, Any]) -> str:
    result = line["error"] if "error" in line else f"{100 * line['score']:.1f} %"
    return f"{line['readout']} {line['depth']} layers: {result}"
