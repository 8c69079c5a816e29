"""Predictions of many structure files: one that fails does not stop the rest, and finished files are kept."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from graphlearn.base.errors import InputError, OutOfSpaceError, first_line
from graphlearn.base.files import is_disk_full
from graphlearn.base.provenance import package_versions
from graphlearn.proteins.prediction.log import PredictionLog
from graphlearn.proteins.prediction.output_files import picture_files, write_pictures
from graphlearn.proteins.prediction.predictor import ProteinPrediction, ProteinPredictor
from graphlearn.proteins.structure.files import distinct_names
from graphlearn.proteins.structure.read import read_chains

_log = logging.getLogger(__name__)


class PredictedFiles(NamedTuple):
    """Results of the files.

    Attributes:
        found: Predictions by file.
        failures: Files that could not be read or written, and why; a file whose pages could not be written stands in
            both.
        kept: How many were finished before.
    """

    found: Mapping[str, Sequence[ProteinPrediction]]
    failures: Mapping[str, str]
    kept: int


def predict_files(
    predictor: ProteinPredictor,
    files: Iterable[Path],
    folder: Path | None = None,
    *,
    chains: Sequence[str] | None = None,
    threshold: float | None = None,
    top: int | None = None,
    on_failure: Callable[[str], object] = lambda message: None,
    on_file: Callable[[int], object] = lambda number: None,
    stop: Callable[[], bool] = lambda: False,
) -> PredictedFiles:
    """Predict the terms of the chains of many files, and draw them.

    Args:
        predictor: The model.
        files: Structures; one that is named twice is predicted once.
        folder: For pages and figures, and for the list of what is finished: a file that stands there with the same
            content, model and options is not predicted again. None writes nothing.
        chains: Ids of the chains to predict; None for all.
        threshold: Least probability of a term; None takes that of the model.
        top: Most terms per chain; None for all.
        on_failure: Called with why a file failed.
        on_file: Called with the number of files that are done.
        stop: Called before every file; True ends the run.

    Returns:
        Predictions by file, failures with their reasons, and the number of files that were finished before.

    Raises:
        OutOfSpaceError: if the disk is full.
        ModuleNotFoundError: if a library is missing that reads or draws the files.
    """
    options = {"chains": chains, "threshold": threshold, "top": top, "network_only": predictor.homologues is None}
    settings = {**options, "model": predictor.fingerprint, "graphlearn": package_versions().get("graphlearn")}
    log = PredictionLog(folder, settings)
    files = list({os.path.abspath(file): file for file in files}.values())
    names = _names(files, log)
    found: dict[str, list[ProteinPrediction]] = {}
    failures: dict[str, str] = {}
    kept = 0
    for number, file in enumerate(files, start=1):
        if stop():
            break
        try:
            before = log.find(file, names[file])
            if before and _are_drawn(before, folder):
                found[str(file)], kept = before, kept + 1
                on_file(number)
                continue
            structures = read_chains(file, chains=chains, name=names[file])
            found[str(file)] = [predictor.predict(s.chain, threshold=threshold, top=top) for s in structures]
            if folder is not None:
                write_pictures(found[str(file)], structures, file.name, folder)
                log.add(file, names[file], found[str(file)])
        except ModuleNotFoundError:  # no file can be read without that library
            raise
        except Exception as error:  # whatever it is, the files after it are predicted
            if is_disk_full(error):
                raise OutOfSpaceError(f"{folder}: the disk is full; what is finished is kept") from error
            failed = f"{file}: failed ({type(error).__name__}: {first_line(error)})"
            failures[str(file)] = str(error) if isinstance(error, InputError) else failed
            _log.debug("where it arose", exc_info=True)
            on_failure(failures[str(file)])
        on_file(number)
    return PredictedFiles(found, failures, kept)


def _are_drawn(predictions: Sequence[ProteinPrediction], folder: Path | None) -> bool:
    return folder is not None and all(f.is_file() for p in predictions for f in picture_files(p.chain, folder))


def _names(files: Sequence[Path], log: PredictionLog) -> dict[Path, str]:
    """Those that files had before in this folder, and new ones that differ from all of them."""
    before = log.names()
    known = {file: before[os.path.abspath(file)] for file in files if os.path.abspath(file) in before}
    return {**known, **distinct_names([file for file in files if file not in known], before.values())}
