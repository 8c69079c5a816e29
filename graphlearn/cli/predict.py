"""``graphlearn predict``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlearn.base.cli.shell import fail, out, progress, say_left_out
from graphlearn.base.device import DEVICE_HELP
from graphlearn.base.tables import Table

if TYPE_CHECKING:
    from graphlearn.proteins.prediction.predictor import ProteinPrediction


def predict(
    structures: Annotated[list[Path], typer.Argument(help="PDB, mmCIF or BinaryCIF files, or folders of them")],
    chains: Annotated[list[str] | None, typer.Option("--chain", help="only these chains; repeat it")] = None,
    ontology: Annotated[
        str | None, typer.Option(help="weights that come with the package: mf or ec; default: mf")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="model folder or name, in place of --ontology")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="least probability; default: that of the best Fmax")
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="only so many terms per chain")] = None,
    network_only: Annotated[
        bool, typer.Option("--network-only", help="leave the terms of similar training chains out")
    ] = False,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="write tables, and a 3D page and a figure per chain here")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write everything here")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="write a row per chain and term here")] = None,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
) -> None:
    """Predict the functions of proteins from their structures, with the residues that they rest on.

    One bad file does not stop the rest; the exit code is then 1. With --out, a run that was stopped goes on with the
    same command: files that are finished are not predicted again.

    Example: graphlearn predict 1abc.pdb --chain A --ontology ec

    Example: graphlearn predict structures/ --out predicted
    """
    from graphlearn.base.cli.signals import stop_on_signals
    from graphlearn.base.errors import InputError
    from graphlearn.proteins.prediction.output_files import write_tables
    from graphlearn.proteins.prediction.predict_files import predict_files
    from graphlearn.proteins.prediction.predictor import ProteinPredictor
    from graphlearn.proteins.structure.files import structure_files

    if weights is not None and ontology is not None:
        raise InputError("--ontology has no effect with --weights; give one of them")
    for path in (json_file, csv_file):
        if path is not None and not path.absolute().parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if out_dir is not None and out_dir.exists() and not out_dir.is_dir():
        raise InputError(f"--out {out_dir} is a file; give a folder")
    files = list(structure_files(structures))
    name = weights or f"protein_rpn/{ontology or 'mf'}"
    predictor = ProteinPredictor(name, network_only=network_only, device=device)

    with stop_on_signals() as request, progress("files", len(files)) as show:
        done = predict_files(
            predictor, files, out_dir, chains=chains, threshold=threshold, top=top, on_failure=say_left_out,
            on_file=lambda number: show(number), stop=request,
        )  # fmt: skip
    predictions = [p for several in done.found.values() for p in several]
    for prediction in predictions:
        out.print(_table(prediction).terminal())
    header = {
        "model": name, "ontology": predictor.ontology,
        "threshold": predictor.threshold if threshold is None else threshold,
    }  # fmt: skip
    for path in write_tables(done.found, done.failures, header, out_dir, json_file, csv_file):
        out.print(f"wrote {path}", soft_wrap=True, markup=False)
    if out_dir is not None and predictions:
        kept = f", {done.kept} of {len(files)} files as they were" if done.kept else ""
        written = f"wrote a page and a figure per chain ({len(predictions)}) into {out_dir}{kept}"
        out.print(written, soft_wrap=True, markup=False)
    if request():
        if out_dir is not None:
            request.exit()
        fail(
            f"stopped: {len(done.found)} of {len(files)} files are predicted; give --out, and the same command goes on",
            request.code,
        )
    if done.failures:
        fail(f"{len(done.failures)} of {len(files)} files could not be predicted", 1 if done.found else 2)


def _table(prediction: ProteinPrediction) -> Table:
    notes = list(prediction.warnings)
    if prediction.similar is not None:
        chain, identity, search = prediction.similar
        notes.insert(0, f"most similar training chain {chain}, identity {identity:.2f} (found by {search})")
    rows = [(t.id, t.name, f"{t.probability:.2f}", " ".join(t.residues)) for t in prediction.terms]
    rows = rows or [("–", "no term reaches the threshold", "–", "")]
    for region in prediction.regions[:1]:
        around, residues = f"proposed around {region.anchor}", " ".join(region.residues[:10])
        rows.append(("region", around, f"{region.score:.2f}", residues))
    return Table(
        ("term", "name", "probability", "residues"), [tuple(map(_shown, row)) for row in rows],
        title=f"{_shown(prediction.chain)}, {prediction.length} residues", note="; ".join(map(_shown, notes)),
    )  # fmt: skip


def _shown(text: str) -> str:
    """Text without characters that steer a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
