"""The names that users import, with their signatures: nobody changes one without seeing it.

``python tests/test_public_api.py`` writes them to ``tests/public_api.txt``.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ForwardRef

PACKAGES = (
    "graphlearn", "graphlearn.nn", "graphlearn.nn.region", "graphlearn.models", "graphlearn.datasets",
    "graphlearn.datasets.graphs", "graphlearn.proteins", "graphlearn.testing", "graphlearn.interop",
    "graphlearn.interop.dgl", "graphlearn.graphs.history_figure", "graphlearn.training.packaged",
    "graphlearn.training.checkpoint", "graphlearn.orbitals.model_folder", "graphlearn.orbitals.rollout",
    "graphlearn.proteins.prediction.predictor", "graphlearn.proteins.prediction.figure", "tdddft",
)  # fmt: skip
FORMER = {
    "graphlearn.figures": "graphlearn.graphs.history_figure",
    "graphlearn.recipes": "graphlearn.training.packaged",
    "graphlearn.training.rollout": "graphlearn.orbitals.rollout",
    "graphlearn.training.proteins.predict": "graphlearn.proteins.prediction.predictor",
    "graphlearn.training.proteins.prediction_figure": "graphlearn.proteins.prediction.figure",
}
OURS = ("graphlearn", "tdddft")
STORED = Path(__file__).with_name("public_api.txt")
REFRESH = "python tests/test_public_api.py"
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def public_api() -> list[str]:
    """One line a name: of functions, classes and their methods with parameters, of anything else with the type."""
    return [line for package in PACKAGES for line in _of_package(importlib.import_module(package))]


def _of_package(module: ModuleType) -> Iterator[str]:
    for name in sorted(_names(module)):
        yield from _lines(f"{module.__name__}.{name}", getattr(module, name))


def _names(module: ModuleType) -> set[str]:
    """What the module says is public; where it does not say, what is defined in it."""
    if hasattr(module, "__all__"):
        return set(module.__all__)
    defined = {n for n, v in vars(module).items() if getattr(v, "__module__", None) == module.__name__}
    return {n for n in defined if not n.startswith("_")} | ({"__version__"} & vars(module).keys())


def _lines(name: str, value: Any) -> Iterator[str]:
    if not inspect.isclass(value):
        yield f"{name}{_signature(value)}" if callable(value) else f"{name}: {type(value).__name__}"
        return
    yield f"{name}{_signature(value)}"
    for member in sorted(m for m in _members(value) if not m.startswith("_")):
        found = inspect.getattr_static(value, member)
        if isinstance(found, property):
            yield f"{name}.{member}: property"
        elif isinstance(found, FunctionType | classmethod | staticmethod):
            yield f"{name}.{member}{_signature(getattr(value, member))}"


def _members(value: type) -> set[str]:
    """Names that our own classes define, not those of libraries that they derive from."""
    ours = (c for c in value.__mro__ if c.__module__.split(".")[0] in OURS)
    return {member for c in ours for member in vars(c)}


class _Bare(str):
    """An annotation that is shown without quotes."""

    __repr__ = str.__str__


def _signature(value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except ValueError:  # exceptions have none
        return f"({', '.join(base.__name__ for base in value.__bases__)})"
    bare = [p.replace(annotation=_bare(p.annotation)) for p in signature.parameters.values()]
    signature = signature.replace(parameters=bare, return_annotation=_bare(signature.return_annotation))
    return ADDRESS.sub("", str(signature))


def _bare(annotation: Any) -> Any:
    text = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
    return _Bare(text) if isinstance(text, str) else annotation


def test_public_names_and_signatures():
    stored, now = STORED.read_text(encoding="utf-8").splitlines(), public_api()
    changes = difflib.unified_diff(stored, now, "stored", "now", lineterm="", n=0)
    assert stored == now, "\n".join([*changes, f"if that is meant, type: {REFRESH}"])


def test_former_places_hold_the_same_objects():
    for former, place in FORMER.items():
        module = importlib.import_module(former)
        assert _names(module) == _names(importlib.import_module(place))
        assert all(getattr(module, n) is getattr(importlib.import_module(place), n) for n in _names(module))


if __name__ == "__main__":
    STORED.write_text("\n".join(public_api()) + "\n", encoding="utf-8")
    print(f"wrote {STORED}")
