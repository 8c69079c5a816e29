"""``graphlearn predict``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from tdddft.cli.shell import err, fail, out, progress

if TYPE_CHECKING:
    from graphlearn.training.proteins.predict import ProteinPrediction


def predict(
    structures: Annotated[list[Path], typer.Argument(help="PDB or mmCIF files, plain or gzip, or folders of them")],
    chains: Annotated[list[str] | None, typer.Option("--chain", help="only these chains; repeat it")] = None,
    ontology: Annotated[str, typer.Option(help="weights that come with the package: mf or ec")] = "mf",
    weights: Annotated[str | None, typer.Option(help="model folder or name, in place of --ontology")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="least probability; default: that of the best Fmax")
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="only so many terms a chain")] = None,
    network_only: Annotated[
        bool, typer.Option("--network-only", help="leave the terms of similar training chains out")
    ] = False,
    out_dir: Annotated[
        Path | None, typer.Option("--out", "-o", help="write tables, and a 3D page and a figure a chain here")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write everything here")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="write a row a chain and term here")] = None,
) -> None:
    """Predict the functions of proteins from their structures, with the residues that speak for them.

    One bad file does not stop the rest; the exit code is then 1.

    Example: graphlearn predict 1abc.pdb --chain A --ontology ec

    Example: graphlearn predict structures/ --out predicted
    """
    from graphlearn.proteins import read_structure
    from graphlearn.proteins.structure_files import structure_files
    from graphlearn.training.proteins.predict import ProteinPredictor
    from graphlearn.training.proteins.prediction_files import write_pictures, write_tables
    from tdddft.errors import InputError

    for path in (json_file, csv_file):
        if path is not None and not path.absolute().parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if out_dir is not None and out_dir.exists() and not out_dir.is_dir():
        raise InputError(f"--out {out_dir} is a file; give a folder")
    files = list(structure_files(structures))
    name = weights or f"protein_rpn/{ontology}"
    predictor = ProteinPredictor(name, network_only=network_only)
    found: dict[str, list[ProteinPrediction]] = {}
    failures: dict[str, str] = {}
    with progress("files", len(files)) as show:
        for number, file in enumerate(files, start=1):
            try:
                read = read_structure(file, chains=chains)
                found[str(file)] = [predictor.predict(chain, threshold=threshold, top=top) for chain in read]
                if out_dir is not None:
                    write_pictures(found[str(file)], file, out_dir)
            except InputError as error:
                failures[str(file)] = str(error)
                err.print(f"left out: {error}", style="yellow", markup=False, soft_wrap=True)
            show(number)
    predictions = [p for several in found.values() for p in several]
    out.print(*map(_table, predictions), sep="\n")
    header = {
        "model": name, "ontology": predictor.ontology,
        "threshold": predictor.threshold if threshold is None else threshold,
    }  # fmt: skip
    for path in write_tables(found, failures, header, out_dir, json_file, csv_file):
        out.print(f"wrote {path}", soft_wrap=True)
    if out_dir is not None and predictions:
        out.print(f"wrote {len(predictions)} pages and figures into {out_dir}", soft_wrap=True)
    if failures:
        fail(f"{len(failures)} of {len(files)} files could not be predicted", 1 if found else 2)


def _table(prediction: ProteinPrediction) -> Table:
    title = f"{prediction.chain}, {prediction.length} residues"
    notes = [*prediction.warnings]
    if prediction.similar is not None:
        chain, identity, search = prediction.similar
        notes.insert(0, f"most similar training chain {chain}, identity {identity:.2f} (found by {search})")
    caption = "; ".join(notes) or None
    table = Table("term", "name", "probability", "residues", title=title, caption=caption, box=box.SIMPLE_HEAD)
    table.title_justify = table.caption_justify = "left"
    for term in prediction.terms:
        table.add_row(term.id, term.name, f"{term.probability:.2f}", " ".join(term.residues))
    if not prediction.terms:
        table.add_row("–", "no term reaches the threshold", "–", "")
    for region in prediction.regions[:1]:
        table.add_section()
        table.add_row(
            "region", f"proposed around {region.anchor}", f"{region.score:.2f}", " ".join(region.residues[:10])
        )
    return table
