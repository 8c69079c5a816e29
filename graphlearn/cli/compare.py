"""``graphlearn compare``"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from graphlearn.base.cli.shell import fail, out, progress
from graphlearn.base.device import DEVICE_HELP, find_device
from graphlearn.cli.train import CODE_HELP, DATA_HELP


def compare(
    recipe: Annotated[str, typer.Argument(help="recipe: a YAML file or a packed one, as histograph/mutag")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="folder of the runs")],
    data: Annotated[Path | None, typer.Option(help=DATA_HELP)] = None,
    variants: Annotated[
        list[str] | None, typer.Option("--variant", "--readout", help="only this variant or readout; repeat it")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="worker processes; default: all cores")
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="change a key, as seeds=[0]")] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help=CODE_HELP)] = False,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
) -> None:
    """Compare variants of a recipe, or readouts of a graph network, on the same data and splits.

    Each run trains, chooses its weights on the validation part and is tested once. Interrupted and run again, it goes
    on; more variants, seeds and folds can be added later, and runs that failed are tried again.

    Example: graphlearn compare histograph/mutag --readout history --readout mean --out runs/mutag

    Example: graphlearn compare protein_rpn/ec --out runs/ec
    """
    from graphlearn.base.files import replace_text
    from graphlearn.base.plotting import save_figure
    from graphlearn.training.compare import compare as compare_runs
    from graphlearn.training.comparison_table import ComparisonTable
    from graphlearn.training.systems import load_training_recipe

    system, settings = load_training_recipe(recipe, overrides or [], data, allow_code=allow_code)
    find_device(device)
    comparison = system.comparison(settings, data, variants or [], device)
    column = comparison.columns[0]

    def note(line: dict[str, Any]) -> str:
        name = ", ".join(part for part in (line["variant"], line["setting"]) if part)
        if "error" in line:
            return f"{name}: {line['error']}"
        return f"{name}: {column.label} {column.factor * line['figures'][column.key]:.4g}"

    with progress("runs", len(comparison.runs())) as show:
        lines, failed = compare_runs(comparison, out_dir, jobs=jobs, on_run=lambda n, line: show(n, note(line)))
    table = ComparisonTable(comparison, lines)
    text = f"{comparison.title}, mean ± standard deviation; bold: within one standard error of the best\n\n"
    text += table.markdown()
    out.print(text, markup=False, soft_wrap=True)
    summary = {"recipe": settings.model_dump(mode="json"), "rows": table.summary(), "failed": failed}
    replace_text(out_dir / "table.md", text + "\n")
    replace_text(out_dir / "summary.json", json.dumps(summary, indent=2))
    drawn = save_figure(table.figure(), out_dir / "comparison.png")
    for path in (out_dir / "table.md", out_dir / "summary.json", drawn):
        out.print(f"wrote {path}", soft_wrap=True)
    if failed:
        fail(f"{len(failed)} runs failed and are not in the table; the first, {note(failed[0])}; run again to retry", 1)
