"""The card of a trajectory data set: counts, validity, sizes, times, the error of a linear one, and checksums.

    python benchmarks/data_set.py FOLDER --json OUT.json

Everything is read from the folder; times are the wall seconds of one-thread workers as the index keeps them, so they
hold for the machine, and the load, that the set was made on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from graphlearn.orbitals.data.statistics import trajectory_sums
from graphlearn.orbitals.data.statistics_file import DatasetStatistics
from tdddft.dataset.check import check_folder
from tdddft.dataset.index import Record
from tdddft.dataset.linear_error import read_linear_error
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import read_trajectory

SELECTION_COLUMNS = 8  # name to geometry; what follows may be extended


def measure(folder: DatasetFolder) -> dict[str, Any]:
    """Every number of the card of one data set."""
    records = folder.records()
    done = [r for r in records.values() if r["status"] == "done"]
    report = check_folder(folder)
    statistics = DatasetStatistics.pooled(trajectory_sums(folder.root).values())
    error = read_linear_error(folder.root)
    recipe = folder.recipe()
    return {
        "functional": recipe.method.functional, "propagator": recipe.propagation.propagator,
        "finished": len(done), "failed": len(records) - len(done),
        "failures": {i: r["error"] for i, r in records.items() if r["status"] == "failed"},
        "valid": report.files - len(report.broken),
        "atoms": spread(done, "atoms"), "orbitals": spread(done, "orbitals"), "occupied": spread(done, "occupied"),
        "ground_state_seconds": spread(done, "ground_state_seconds"), "propagation_seconds": spread(done, "seconds"),
        "fock_builds": spread(done, "fock_builds"),
        "solvers": {s: sum(r["scf_solver"] == s for r in done) for s in sorted({r["scf_solver"] for r in done})},
        "rms_0": statistics.rms_0, "rms_t": statistics.rms_t,
        "linear_error": None if error is None else asdict(error),
        "mebibytes": sum(folder.path(r["id"]).stat().st_size for r in done) / 2**20,
        "versions": read_trajectory(folder.path(newest(done)["id"])).provenance.versions,
        "selection_sha256": selection_checksum(folder.selection),
    }  # fmt: skip


def spread(records: list[Record], key: str) -> dict[str, float]:
    """Mean, smallest and largest value of a key of the index."""
    values = np.array([r[key] for r in records if r.get(key) is not None], dtype=float)
    return {"mean": round(float(values.mean()), 3), "min": float(values.min()), "max": float(values.max())}


def newest(records: list[Record]) -> Record:
    """The record that was written last."""
    return max(records, key=lambda r: str(r["finished_at"]))


def selection_checksum(table: Path) -> str:
    """SHA-256 of the columns that say which molecules and geometries the set is about."""
    lines = table.read_text(encoding="utf-8").splitlines()
    cut = "".join(",".join(line.split(",")[:SELECTION_COLUMNS]) + "\n" for line in lines)
    return hashlib.sha256(cut.encode()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the numbers here instead of printing them")
    options = parser.parse_args()
    text = json.dumps(measure(DatasetFolder(options.folder)), indent=1)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
