"""What a page imports is public: in the snapshot of names, and on the page of the API."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "models/**/*.md", "datasets/**/*.md", "benchmarks/*.md",
                         "notebooks/*.ipynb") for path in ROOT.glob(pattern)
)  # fmt: skip
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(python -c \"[^`]*)`", re.DOTALL)
SNAPSHOT = (ROOT / "tests/public_api.txt").read_text().splitlines()
PUBLIC = {re.split(r"[(:]", line)[0] for line in SNAPSHOT}
OURS = ("graphlearn", "tdddft")


def programs(page: Path) -> Iterator[str]:
    """Every piece of Python of a page or notebook."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = ("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code")
        yield from (re.sub(r"^[!%].*$", "", code, flags=re.MULTILINE) for code in cells)
        return
    for command in INLINE.findall(text):
        yield shlex.split(command.replace("\n", " "))[2]
    for language, code in BLOCK.findall(text):
        if language == "python":
            yield code
        elif language == "diff":
            lines = code.splitlines()
            yield from ("\n".join(x[1:] for x in lines if not x.startswith(sign)) for sign in "+-")
        elif language == "bash" and "python -c" in code:
            words = shlex.split(code, comments=True)
            yield from (after for word, after in pairwise(words) if word == "-c")


def imported(code: str) -> set[str]:
    """Our names that a program imports, or takes from a package of ours that it imports."""
    tree, names, packages = ast.parse(code), set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OURS:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            packages |= {a.asname or a.name: a.name for a in node.names if a.name.split(".")[0] in OURS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            names.add(f"{packages[node.value.id]}.{node.attr}")
    return names


def test_pages_are_found():
    assert {"README.md", "docs/orbevo.md", "docs/proteins.md"} <= {str(p.relative_to(ROOT)) for p in PAGES}
    assert imported((ROOT / "docs/orbevo.md").read_text().split("```python\n")[1].split("```")[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_imports_is_public(page):
    assert not {name for code in programs(page) for name in imported(code)} - PUBLIC


def test_the_pages_of_the_api_show_every_public_module():
    shown = re.findall(r"automodule:: ([\w.]+)", (ROOT / "docs/api.md").read_text())
    for name in {name for page in PAGES for code in programs(page) for name in imported(code)}:
        assert name.rpartition(".")[0] in shown, name


def test_names_are_found_in_every_way_of_writing():
    code = "import tdddft as t, os\nfrom graphlearn.nn import (\n  HistoryReadout,\n  layer_outputs as f,\n)\n"
    assert imported(code + "t.Field, os.sep") == {
        "tdddft.Field",
        "graphlearn.nn.HistoryReadout",
        "graphlearn.nn.layer_outputs",
    }
