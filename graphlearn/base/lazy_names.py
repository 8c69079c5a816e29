"""Names of a package that are imported when they are first used, so that the package itself is cheap to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]], former: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What a package whose names lie in other modules defines (PEP 562).

    Args:
        package: Its ``__name__``.
        modules: Public names by the module that defines them.
        former: Present names by former ones.

    Returns:
        The ``__getattr__``, ``__dir__`` and ``__all__`` of the package.
    """
    places = {name: (module, name) for module, names in modules.items() for name in names}
    places |= {old: places[name] for old, name in (former or {}).items()}

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, present = places[name]
        return getattr(import_module(module), present)

    return find, lambda: sorted(places), sorted(places)
