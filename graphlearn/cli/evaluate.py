"""``graphlearn evaluate``"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich import box
from rich.table import Table

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.files import replace_text

if TYPE_CHECKING:
    import numpy as np

    from graphlearn.orbitals.evaluate import Prediction
    from tdddft.trajectory.trajectory import Trajectory


def evaluate(
    model: Annotated[str, typer.Argument(help="model folder, or a model that comes with the package")],
    data: Annotated[
        Path | None, typer.Option(help="data-set folder; for proteins default: $GRAPHLEARN_DATA/protein")
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", help="trajectory; default: the test sets of the recipe, else all not trained on"),
    ] = None,
    casida: Annotated[
        int | None, typer.Option(min=1, help="also linear response in so many excited states; solves them with PySCF")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="only the first so many trajectories of each set")] = None,
    part: Annotated[
        Literal["test", "validation"] | None, typer.Option(help="of proteins: chains to judge on; default: test")
    ] = None,
    residues: Annotated[
        bool | None, typer.Option("--residues/--no-residues", help="of proteins: also judge where the model looks")
    ] = None,
    profiles: Annotated[
        bool | None,
        typer.Option("--profiles/--no-profiles", help="of proteins: use sequence profiles, which structure files lack"),
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="write tables, predicted trajectories and figures here")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the errors here")] = None,
) -> None:
    """Errors of a model on trajectories or proteins that it never saw, beside those of the baselines.

    Example: graphlearn evaluate runs/model --data runs/small --out runs/evaluation

    Example: graphlearn evaluate protein_rpn/ec --out runs/ec_evaluation
    """
    from graphlearn.base.errors import InputError
    from graphlearn.training.checkpoint import model_class
    from graphlearn.training.packaged import model_folder

    if out_dir is not None and out_dir.exists() and not out_dir.is_dir():
        raise InputError(f"--out {out_dir} is a file; give a folder")
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise InputError(f"--json {json_file}: there is no folder {json_file.parent}")
    folder = model_folder(model)
    if model_class(folder) == "ProteinRPN":
        from graphlearn.cli.evaluate_proteins import evaluate_proteins

        if ids is not None or casida is not None or limit is not None:
            raise InputError("--id, --casida and --limit are for models of trajectories")
        return evaluate_proteins(
            folder, data, part=part or "test", residues=residues is not False, profiles=profiles is not False,
            out_dir=out_dir, json_file=json_file,
        )  # fmt: skip
    if part is not None or residues is not None or profiles is not None:
        raise InputError("--part, --residues and --profiles are for models of proteins")
    if data is None:
        raise InputError("give the folder of the trajectories with --data")
    return _evaluate_trajectories(folder, data, ids, casida, limit, out_dir, json_file)


def _evaluate_trajectories(
    folder: Path,
    data: Path,
    ids: list[str] | None,
    casida: int | None,
    limit: int | None,
    out_dir: Path | None,
    json_file: Path | None,
) -> None:
    from graphlearn.base.errors import InputError
    from graphlearn.datasets import TDDFTTrajectories
    from graphlearn.orbitals.assignment import test_sets
    from graphlearn.orbitals.baselines import LinearResponse, NearestGeometry
    from graphlearn.orbitals.evaluate import (
        NEAREST,
        Baseline,
        Prediction,
        cheap_baselines,
        evaluate as evaluate_one_by_one,
    )
    from graphlearn.orbitals.report import EvaluatedSet, drop_nonfinite, summarise, write_report
    from graphlearn.training.checkpoint import load_orbevo

    network, normalizer, facts = load_orbevo(folder)
    read = partial(TDDFTTrajectories, data, **network.geometry)
    every = TDDFTTrajectories(data)
    chosen = {"chosen": ids} if ids else test_sets(every.names, facts, data)
    if not chosen:
        raise InputError(f"the model was trained on every trajectory of {data}; name some with --id")
    baselines: dict[str, Baseline] = cheap_baselines(network.num_frames)
    trained = [n for n in facts["trained_on"] if n in every.files]
    if trained:
        nearest = NearestGeometry(read(select=trained))
        baselines[NEAREST] = lambda t: Prediction(rolled_out=nearest(t))
    if casida is not None:
        response = LinearResponse(casida)
        baselines[f"linear response, {casida} states"] = lambda t: _unless_unconverged(response, t)
    sets: dict[str, EvaluatedSet] = {}
    for name, names in chosen.items():
        subset = read(select=names[:limit], cache=0)
        with progress(name, len(subset)) as show:
            sets[name] = summarise(evaluate_one_by_one(network, normalizer, subset, baselines), show)
    out.print(*error_tables({name: s.errors for name, s in sets.items()}), NOTE, sep="\n")
    if out_dir is not None:
        for path in write_report(sets, out_dir):
            out.print(f"wrote {path}", soft_wrap=True)
    if json_file is not None:
        content = {name: {"trajectories": list(s.rows), "errors": drop_nonfinite(s.errors)} for name, s in sets.items()}
        replace_text(json_file, json.dumps(content, indent=2))


def _unless_unconverged(method: Callable[[Trajectory], np.ndarray], trajectory: Trajectory) -> Prediction:
    """What a method predicts; nothing, and a word on the screen, where its equations are not solved."""
    from graphlearn.base.errors import ConvergenceError
    from graphlearn.orbitals.evaluate import Prediction

    try:
        return Prediction(rolled_out=method(trajectory))
    except ConvergenceError as error:
        out.print(f"left out of linear response: {error}", style="yellow")
        return Prediction()


def error_tables(sets: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Table]:
    """One table a test set, one row a method, the best value of each column in bold."""
    from graphlearn.orbitals.evaluate import COLUMNS
    from graphlearn.orbitals.report import format_number

    tables = []
    for name, methods in sets.items():
        headings = [heading.replace(" ", "\n", 1) for heading in COLUMNS.values()]
        table = Table("", *headings, title=name, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
        for column in table.columns[1:]:
            column.justify = "right"
            column.min_width = 8
        best = {c: min(row[c] for row in methods.values() if row[c] == row[c]) for c in COLUMNS}
        for method, row in methods.items():
            cells = [
                f"[bold]{format_number(row[c])}[/bold]" if row[c] == best[c] else format_number(row[c]) for c in COLUMNS
            ]
            table.add_row(method, *cells)
        tables.append(table)
    return tables


NOTE = (
    "l2: distance an atom and state, in units of the target; the other columns: error over signal, rolled out from "
    "the ground state. Perfect is 0, predicting no motion gives 1. Dynamic modes continue the true dipole from a "
    "quarter of its frames. The best of each column is bold."
)
