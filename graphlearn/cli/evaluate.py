"""``graphlearn evaluate``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from graphlearn.base.device import DEVICE_HELP
from graphlearn.cli.train import CLASS_HELP


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
    kernels: Annotated[
        list[str] | None,
        typer.Option(
            "--kernel", help="also the propagated linear kernel: none, hartree, ris, fitted or grid (repeat it)"
        ),
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
    model_class: Annotated[str | None, typer.Option("--model-class", help=CLASS_HELP)] = None,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
) -> None:
    """Errors of a model on trajectories or proteins that it never saw, beside those of the baselines.

    Example: graphlearn evaluate runs/model --data runs/small --out runs/evaluation

    Example: graphlearn evaluate protein_rpn/ec --out runs/ec_evaluation
    """
    from graphlearn.base.errors import InputError
    from graphlearn.training.packaged import model_folder
    from graphlearn.training.systems import EvaluationOptions, find_system, model_task

    if out_dir is not None and out_dir.exists() and not out_dir.is_dir():
        raise InputError(f"--out {out_dir} is a file; give a folder")
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise InputError(f"--json {json_file}: there is no folder {json_file.parent}")
    folder = model_folder(model)
    options = EvaluationOptions(
        data, ids, casida, kernels, limit, part, residues, profiles, out_dir, json_file, device, model_class
    )  # fmt: skip
    find_system(model_task(folder)).evaluate(folder, options)
