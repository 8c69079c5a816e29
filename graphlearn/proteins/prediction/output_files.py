"""Predictions as files: everything as JSON, rows as CSV, a page and a picture per chain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from graphlearn.base.file_names import file_name
from graphlearn.base.files import replace_csv, replace_text
from graphlearn.base.plotting import save_figure
from graphlearn.base.provenance import package_versions
from graphlearn.proteins.prediction.figure import prediction_figure
from graphlearn.proteins.prediction.page import prediction_page
from graphlearn.proteins.prediction.predictor import ProteinPrediction
from graphlearn.proteins.structure.drawn_atoms import drawn_atoms
from graphlearn.proteins.structure.read import ChainStructure

SCHEMA_VERSION = 1
PER_RESIDUE = ("residue_ids", "mask", "secondary", "weights")


def picture_files(chain: str, folder: Path) -> tuple[Path, Path]:
    """Where the page and the figure of a chain are written.

    Args:
        chain: Name of the chain.
        folder: Folder of the files.

    Returns:
        Paths of the page (``.html``) and of the figure (``.png``).
    """
    stem = file_name(chain)
    return folder / f"{stem}.html", folder / f"{stem}.png"


def write_pictures(
    predictions: Iterable[ProteinPrediction], structures: Iterable[ChainStructure], file: str, folder: Path
) -> None:
    """Write a page and a figure of each chain.

    Args:
        predictions: Of the chains.
        structures: The chains, in the same order.
        file: Name of the file that they were read from.
        folder: Where to; it is made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for prediction, structure in zip(predictions, structures, strict=True):
        page, picture = picture_files(prediction.chain, folder)
        replace_text(page, prediction_page(prediction, file, drawn_atoms(structure)))
        save_figure(prediction_figure(prediction), picture)


def write_tables(
    found: Mapping[str, Sequence[ProteinPrediction]],
    failures: Mapping[str, str],
    header: Mapping[str, Any],
    folder: Path | None,
    json_file: Path | None,
    csv_file: Path | None,
) -> Iterator[Path]:
    """Write what was asked for.

    Args:
        found: Predictions by file.
        failures: Files without one, and why.
        header: Model, ontology and threshold.
        folder: For ``predictions.json``, ``terms.csv`` and ``residues.csv``.
        json_file: For the JSON alone.
        csv_file: For the terms alone.

    Yields:
        Path of each file once it is written.
    """
    predictions = [p for several in found.values() for p in several]
    terms = [
        (p.chain, t.id, t.name, f"{t.probability:.4f}", " ".join(t.residues)) for p in predictions for t in p.terms
    ]
    content = {
        "schema_version": SCHEMA_VERSION, **header, "versions": package_versions(),
        "files": {file: [_plain(p) for p in several] for file, several in found.items()}, "failures": dict(failures),
    }  # fmt: skip
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        weights = (row for p in predictions for row in _weights(p))
        yield replace_csv(folder / "residues.csv", ("chain", "residue", "what", "weight"), weights)
    for path in (csv_file, folder and folder / "terms.csv"):
        if path is not None:
            yield replace_csv(path, ("chain", "term", "name", "probability", "residues"), terms)
    for path in (json_file, folder and folder / "predictions.json"):
        if path is not None:
            replace_text(path, json.dumps(content, indent=2))
            yield path


def _plain(prediction: ProteinPrediction) -> dict[str, Any]:
    """Without the numbers of every residue, which stand in ``residues.csv``."""
    content = {key: value for key, value in prediction.to_dict().items() if key not in PER_RESIDUE}
    terms = [{key: value for key, value in term.items() if key not in PER_RESIDUE} for term in content["terms"]]
    return {**content, "terms": terms}


def _weights(prediction: ProteinPrediction) -> Iterator[tuple[str, ...]]:
    """The mask of every residue, and its weight for each term, in long form."""
    columns = [("proposal", prediction.mask)] if prediction.mask else []
    for what, weights in [*columns, *((term.id, term.weights) for term in prediction.terms)]:
        for residue, weight in zip(prediction.residue_ids, weights, strict=True):
            yield prediction.chain, residue, what, f"{weight:.4f}"
