"""Which packages are there, beside what graphlearn asks for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from graphlearn.base.extras import extras_with
from graphlearn.hub.doctor.check import Check

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def packages() -> Iterator[Check]:
    """The packages that graphlearn requires, then those of its extras, as its own metadata list them."""
    try:
        from packaging.requirements import Requirement

        asked = [Requirement(line) for line in requires("graphlearn") or ()]
        yield Check("packages", "graphlearn", "ok", version("graphlearn"))
    except ImportError as error:  # PackageNotFoundError is one
        yield Check("packages", "graphlearn", "missing", f"not installed ({error})", "pip install -c constraints.txt .")
        return
    yield from (_look(r, []) for r in asked if r.marker is None or r.marker.evaluate({"extra": ""}))
    optional = {r.name: r for r in asked if r.name != "graphlearn" and r.marker is not None}
    for name in sorted(optional):
        extras = extras_with(name)
        if extras:
            yield _look(optional[name], extras)


def _look(asked: Requirement, extras: list[str]) -> Check:
    section, part = ("extras", f"{asked.name} [{', '.join(extras)}]") if extras else ("packages", asked.name)
    if extras and asked.marker is not None and not any(asked.marker.evaluate({"extra": e}) for e in extras):
        condition = str(asked.marker).partition(" and extra")[0]
        return Check(section, part, "missing", f"only where {condition}", "leave it out here", needed=False)
    wanted = f'"{asked.name}{asked.specifier}"'
    advice = f"pip install {wanted}"
    try:
        found = version(asked.name)
    except PackageNotFoundError:
        use = f"optional, for {', '.join(extras)}" if extras else "required"
        return Check(section, part, "missing", use, advice, not extras)
    if not asked.specifier.contains(found, prereleases=True):
        return Check(section, part, "failed", f"{found}, but {asked.specifier} was tried", advice)
    return Check(section, part, "ok", found)
