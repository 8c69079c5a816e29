"""Every notebook runs from top to bottom in an empty folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs nbformat and nbclient")
nbclient = pytest.importorskip("nbclient", reason="needs nbformat and nbclient")
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
NEED_DATA = ("04", "05")


def test_they_are_numbered():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(1, len(NOTEBOOKS) + 1)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    data = Path(os.environ.get("GRAPHLEARN_DATA", "data")).absolute()
    if path.name.startswith(NEED_DATA) and not (data / "protein").is_dir():
        pytest.skip("needs the data sets of GRAPHLEARN_DATA")
    monkeypatch.setenv("GRAPHLEARN_DATA", str(data))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    book = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shell = [o.text for cell in book.cells for o in cell.get("outputs", ()) if o.output_type == "stream"]
    assert not any("error:" in text for text in shell), shell
    if where := os.environ.get("GRAPHLEARN_STORE_NOTEBOOKS"):
        nbformat.write(book, Path(where) / path.name)
