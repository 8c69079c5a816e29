"""Models by name: those of this package, of installed packages, and, where a caller allows it, of any module."""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from torch import nn

from graphlearn.base.errors import InputError
from graphlearn.models.histograph import HistographGNN
from graphlearn.models.orbevo.model import OrbEvo
from graphlearn.models.protein_rpn import ProteinRPN
from graphlearn.models.response.model import ResponseOrbEvo

ENTRY_POINTS = "graphlearn.models"
OWN: dict[str, type[nn.Module]] = {m.__name__: m for m in (OrbEvo, ResponseOrbEvo, HistographGNN, ProteinRPN)}
M = TypeVar("M", bound=nn.Module)


def known_models() -> list[str]:
    """Names of our own models, then those that installed packages offer by an entry point of the group
    ``graphlearn.models``; none of these packages is imported."""
    return [*OWN, *sorted({point.name for point in entry_points(group=ENTRY_POINTS)} - OWN.keys())]


def find_model(name: str, kind: type[M], *, allow_code: bool = False) -> type[M]:
    """The class of a name.

    Args:
        name: Of one of our models, of an entry point, or ``package.module:Class``.
        kind: What the class must derive from, for example :class:`graphlearn.models.OrbitalModel`.
        allow_code: Whether ``package.module:Class`` may be imported, which runs the code of that module. Never for a
            name that a downloaded file gives.

    Returns:
        The class. One of our own names is never that of another package.

    Raises:
        InputError: for an unknown name, one that is not allowed, or a class of another kind.
    """
    if name in OWN:
        found: Any = OWN[name]
    elif ":" in name:
        if not allow_code:
            raise InputError(
                f"{name[:200]!r} names code of your own, which is run only with --allow-code (allow_code=True)"
            )
        found = _load(EntryPoint(name, name, ENTRY_POINTS))
    else:
        points = entry_points(group=ENTRY_POINTS, name=name)
        if not points:
            known = known_models()
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"unknown model class {name[:80]!r}; {hint}")
        found = _load(next(iter(points)))
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise InputError(f"{name}: not a class that derives from {kind.__module__}.{kind.__name__}")
    return found


def model_name(kind: type[nn.Module]) -> str:
    """How recipes and model cards name a class.

    Args:
        kind: The class.

    Returns:
        Its own name for our models, that of its entry point for those of installed packages, else
        ``package.module:Class``.
    """
    if OWN.get(kind.__name__) is kind:
        return kind.__name__
    place = f"{kind.__module__}:{kind.__qualname__}"
    offered = (p.name for p in entry_points(group=ENTRY_POINTS) if p.name not in OWN and _reaches(p, kind))
    return next(offered, place)


def _reaches(point: EntryPoint, kind: type[nn.Module]) -> bool:
    """Whether an entry point leads to a class; only packages that are imported already are asked."""
    if point.module.partition(".")[0] != kind.__module__.partition(".")[0]:
        return False
    return _load(point) is kind


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise InputError(f"model class {point.name[:200]}: cannot import {point.value[:200]} ({error})") from None


__all__ = ["ENTRY_POINTS", "find_model", "known_models", "model_name"]
