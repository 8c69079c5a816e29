"""Which packages are there, beside what graphlearn asks for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from graphlearn.hub.doctor.check import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

FOR_DEVELOPERS = ("dev", "docs")


def packages() -> Iterator[Finding]:
    """The packages that graphlearn requires, then those of its extras, as its own metadata list them."""
    try:
        from packaging.requirements import Requirement

        asked = [Requirement(line) for line in requires("graphlearn") or ()]
        yield Finding("packages", "graphlearn", "ok", version("graphlearn"))
    except ImportError as error:  # PackageNotFoundError is one
        yield Finding(
            "packages", "graphlearn", "missing", f"not installed ({error})", "pip install -c constraints.txt ."
        )
        return
    yield from (_look(r, "packages") for r in asked if r.marker is None or r.marker.evaluate({"extra": ""}))
    for extra in _extras():
        for r in asked:
            if r.marker is not None and f'extra == "{extra}"' in str(r.marker):
                yield _look(r, "extras", extra)


def _extras() -> list[str]:
    from importlib.metadata import metadata

    named = metadata("graphlearn").get_all("Provides-Extra") or []
    return [str(extra) for extra in named if extra not in FOR_DEVELOPERS]


def _look(asked: Requirement, section: str, extra: str = "") -> Finding:
    part = f"{asked.name} [{extra}]" if extra else asked.name
    if asked.marker is not None and not asked.marker.evaluate({"extra": extra}):
        condition = str(asked.marker).replace(f' and extra == "{extra}"', "")
        return Finding(section, part, "missing", f"only where {condition}", "leave it out here", needed=False)
    wanted = f'"{asked.name}{asked.specifier}"'
    advice = f"pip install {wanted}"
    try:
        found = version(asked.name)
    except PackageNotFoundError:
        return Finding(section, part, "missing", f"optional, for {extra}" if extra else "required", advice, not extra)
    if not asked.specifier.contains(found, prereleases=True):
        return Finding(section, part, "failed", f"{found}, but {asked.specifier} was tried", advice)
    return Finding(section, part, "ok", found)
