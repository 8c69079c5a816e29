"""Sphinx: the pages of this folder, the cards of models/ and datasets/, and the docstrings."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMMANDS = HERE / "commands.md"

project = "graphlearn"
author = copyright = "The graphlearn authors"
version = release = installed("graphlearn")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "graphlearn"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Shapes", "params_style"), "Source"]
# Cards and pages link to files of the repository, which are no pages here.
suppress_warnings = ["myst.xref_missing", "myst.header"]


def _write_commands(_: Any) -> None:
    """The help text of every command."""
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    parts = ["# Commands\n"]
    for program in ("tdddft", "graphlearn"):
        app = importlib.import_module(f"{program}.cli").app
        for name in ("", *(command.callback.__name__ for command in app.registered_commands)):
            words = [*filter(None, [name])]
            with contextlib.redirect_stdout(io.StringIO()) as page, contextlib.suppress(SystemExit):
                app([*words, "--help"], prog_name=program)
            parts.append(f"## {' '.join([program, *words])}\n\n```text\n{page.getvalue().strip()}\n```\n")
    COMMANDS.write_text("\n".join(parts), encoding="utf-8")


def _import_cards(_: Any) -> None:
    """Make the classes of model cards first: autodoc adds annotations to pydantic's base class, which break them."""
    for room in ("orbitals.model_folder", "proteins.prediction.predictor", "graphs.task"):
        importlib.import_module(f"graphlearn.{room}")


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", _import_cards)
    app.connect("builder-inited", _write_commands)
