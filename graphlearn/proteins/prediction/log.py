"""Content of a folder of predictions, one line per structure file, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphlearn.base.plain_files import file_hash
from graphlearn.proteins.prediction.homology import SimilarChain
from graphlearn.proteins.prediction.predictor import PredictedTerm, ProposedRegion, ProteinPrediction

LOG = "finished.jsonl"
SCHEMA_VERSION = 1


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
        self._lines: dict[str, dict[str, Any]] = {}
        if self.file is not None and self.file.is_file():
            for line in self.file.read_text(encoding="utf-8", errors="replace").splitlines():
                if (entry := _entry(line)) is not None:
                    self._lines[entry["path"]] = entry
            self._mend_end()

    def names(self) -> dict[str, str]:
        """Name of each file that was ever predicted into the folder, by its absolute path."""
        return {path: entry["name"] for path, entry in self._lines.items()}

    def find(self, structure: Path, name: str) -> list[ProteinPrediction] | None:
        """Predictions of a file under this name; None if there are none, or the file or the settings were others.

        Args:
            structure: Structure file; its content must be the same as when it was predicted.
            name: Name that the chains of the file begin with.

        Returns:
            One prediction per chain, or None.
        """
        entry = self._lines.get(os.path.abspath(structure))
        if entry is None or (entry["settings"], entry["name"]) != (self.settings, name):
            return None
        if entry["sha256"] != file_hash(structure):
            return None
        try:
            return [_prediction(content) for content in entry["chains"]]
        except (KeyError, TypeError, ValueError):
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
        entry = {
            "path": os.path.abspath(structure), "name": name, "sha256": file_hash(structure),
            "settings": self.settings, "chains": [_content(p) for p in predictions],
        }  # fmt: skip
        with self.file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(entry) + "\n")
            handle.flush()
            os.fsync(handle.fileno())

    def _mend_end(self) -> None:
        """End the last line, which may be cut off."""
        assert self.file is not None
        with self.file.open("ab+") as handle:
            if handle.tell():
                handle.seek(-1, os.SEEK_END)
                if handle.read(1) != b"\n":
                    handle.write(b"\n")


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
        keys = ("path", "name", "sha256", "settings")
        whole = isinstance(entry, dict) and all(isinstance(entry[key], str) for key in keys)
        return entry if whole and isinstance(entry["chains"], list) else None
    except (ValueError, KeyError, RecursionError):
        return None


def _content(prediction: ProteinPrediction) -> dict[str, Any]:
    return {
        **prediction._asdict(),
        "terms": [term._asdict() for term in prediction.terms],
        "regions": [region._asdict() for region in prediction.regions],
        "similar": prediction.similar and prediction.similar._asdict(),
    }


def _prediction(content: Mapping[str, Any]) -> ProteinPrediction:
    tuples = {key: tuple(content[key]) for key in ("residue_ids", "mask", "warnings")}
    terms = (
        PredictedTerm(**{**t, "residues": tuple(t["residues"]), "weights": tuple(t["weights"])})
        for t in content["terms"]
    )
    regions = (ProposedRegion(**{**r, "residues": tuple(r["residues"])}) for r in content["regions"])
    similar = content["similar"] and SimilarChain(**content["similar"])
    return ProteinPrediction(
        **{**content, **tuples, "terms": tuple(terms), "regions": tuple(regions), "similar": similar}
    )
