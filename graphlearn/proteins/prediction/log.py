"""Content of a folder of predictions, one line per structure file, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from graphlearn.base.plain_files import file_hash
from graphlearn.proteins.prediction.predictor import ProteinPrediction

LOG = "finished.jsonl"
SCHEMA_VERSION = 1
_PREDICTIONS = TypeAdapter(list[ProteinPrediction])


class _Finished(BaseModel):
    path: str
    name: str
    sha256: str
    settings: str
    chains: list[Any]


class PredictionLog:
    """Predictions that are finished and written, by file.

    Lines that are damaged, as the last one of a run that was killed, are ignored: their files are predicted again.

    Args:
        folder: Of the predictions; None keeps nothing.
        settings: What else predictions depend on, such as the model and the threshold; those of others are not taken.
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any]) -> None:
        self.file = None if folder is None else folder / LOG
        text = json.dumps([SCHEMA_VERSION, dict(settings)], sort_keys=True)
        self.settings = hashlib.sha256(text.encode()).hexdigest()
        self._lines: dict[str, _Finished] = {}
        if self.file is not None and self.file.is_file():
            content = self.file.read_bytes()
            for line in content.splitlines():
                with suppress(ValidationError):
                    finished = _Finished.model_validate_json(line)
                    self._lines[finished.path] = finished
            if content and not content.endswith(b"\n"):  # the last line was cut off
                with self.file.open("ab") as handle:
                    handle.write(b"\n")

    def names(self) -> dict[str, str]:
        """Name of each file that was ever predicted into the folder, by its absolute path."""
        return {path: finished.name for path, finished in self._lines.items()}

    def find(self, structure: Path, name: str) -> list[ProteinPrediction] | None:
        """Predictions of a file under this name; None if there are none, or the file or the settings were others.

        Args:
            structure: Structure file; its content must be the same as when it was predicted.
            name: Name that the chains of the file begin with.

        Returns:
            One prediction per chain, or None.
        """
        finished = self._lines.get(os.path.abspath(structure))
        if finished is None or (finished.settings, finished.name) != (self.settings, name):
            return None
        if finished.sha256 != file_hash(structure):
            return None
        with suppress(ValidationError):
            return _PREDICTIONS.validate_python(finished.chains)
        return None

    def add(self, structure: Path, name: str, predictions: Sequence[ProteinPrediction]) -> None:
        """Note that a file is finished, on disk before this returns.

        Args:
            structure: Structure file that was predicted.
            name: Name that the chains of the file begin with.
            predictions: One per chain of the file.
        """
        if self.file is None:
            return
        finished = _Finished(
            path=os.path.abspath(structure), name=name, sha256=file_hash(structure), settings=self.settings,
            chains=[p.to_dict() for p in predictions],
        )  # fmt: skip
        with self.file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(finished.model_dump()) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
