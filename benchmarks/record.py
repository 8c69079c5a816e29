"""Measure a stored result anew: run its command, keep its numbers, date, versions and figures, fill the blocks.

    python benchmarks/record.py rollout                     # runs the command of benchmarks/results/rollout.json
    python benchmarks/record.py demo --from runs/demo       # takes what the command has written there just now

A new result starts as a JSON file with its command, ``"remeasured": false``, a provenance, empty values and its tables.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from check_results import differing_pages
from stored_results import FOLDER, ROOT, Figure, checksum, read_results, write_result

PACKAGES = ("graphlearn", "torch", "torch-geometric", "pyscf", "numpy")


def machine() -> str:
    """Class of this machine."""
    return f"{platform.machine()}, {os.cpu_count()} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="of the stored result")
    parser.add_argument("--from", dest="written", type=Path, help="what the command wrote; default: run it")
    options = parser.parse_args()
    stored = read_results()[options.name]
    if stored.command is None:
        parser.error(f"{options.name} is made of other results")
    with tempfile.TemporaryDirectory() as folder:
        written = options.written or Path(folder) / "OUT"
        if options.written is None:
            subprocess.run(stored.command.replace("OUT", str(written)), shell=True, check=True, cwd=ROOT)
        values = json.loads((written / stored.writes if stored.writes else written).read_text(encoding="utf-8"))
        figures = {}
        for path, figure in stored.figures.items():
            shutil.copyfile(written / figure.source, ROOT / path)
            figures[path] = Figure(source=figure.source, sha256=checksum(ROOT / path))
    measured = {
        "values": values, "figures": figures, "date": datetime.date.today().isoformat(), "machine": machine(),
        "versions": {package: version(package) for package in PACKAGES}, "remeasured": True, "provenance": None,
    }  # fmt: skip
    write_result(FOLDER / f"{options.name}.json", type(stored).model_validate({**dict(stored), **measured}))
    for problem in differing_pages(ROOT, read_results(), write=True):
        print(problem)


if __name__ == "__main__":
    main()
