"""Public functions and methods of two or more arguments say what these are and what comes back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HELP_TEXTS = ("graphlearn/cli", "tdddft/cli")  # docstrings of commands are what --help prints
Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = sorted(f for p in ("graphlearn", "tdddft") for f in (ROOT / p).rglob("*.py"))


def public_functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Functions and methods without an underscore in front of them or of their class."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{node.name}.")
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield prefix + node.name, node


def arguments_of(node: Function) -> list[str]:
    """Names of the arguments but for ``self`` and ``cls``."""
    found = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [a.arg for a in found if a.arg not in ("self", "cls") and not a.arg.startswith("_")]


def is_outside(node: Function) -> bool:
    """Whether a decorator makes it something else than a function that is called with arguments."""
    named = [ast.unparse(d) for d in node.decorator_list]
    return any(n.startswith(("field_validator", "model_validator", "overload")) or n == "override" for n in named)


def missing_sections(node: Function) -> list[str]:
    """Sections that a docstring lacks."""
    text = ast.get_docstring(node) or ""
    if "see :meth:`" in text:  # of the interface that the method belongs to
        return []
    missing = [] if "Args:" in text else ["Args"]
    returned = node.returns is not None and ast.unparse(node.returns) not in ("None", "NoReturn")
    if returned and not any(f"{word}:" in text for word in ("Returns", "Yields")):
        missing.append("Returns")
    return missing


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_arguments_and_results_are_described(file):
    if str(file.relative_to(ROOT)).startswith(HELP_TEXTS):
        return
    found = {
        name: missing
        for name, node in public_functions(ast.parse(file.read_text(encoding="utf-8")).body)
        if len(arguments_of(node)) >= 2 and not is_outside(node) and (missing := missing_sections(node))
    }
    assert not found


def test_a_function_without_them_is_found():
    (pair,) = public_functions(ast.parse("def f(a, b) -> int:\n    'Adds.'").body)
    assert missing_sections(pair[1]) == ["Args", "Returns"]
