"""Which extra of this package installs a library that is missing."""

from __future__ import annotations

import re
from importlib.metadata import requires

DISTRIBUTIONS = {"Bio": "biopython", "sklearn": "scikit-learn"}  # where the import has another name
NOT_OFFERED = ("all", "dev", "docs")


def extras_with(module: str) -> list[str]:
    """Extras that install a library.

    Args:
        module: Name under which it is imported, with or without what follows the first dot.

    Returns:
        Names of the extras in alphabetical order; empty if the library is none of ours.
    """
    top = module.partition(".")[0]
    name = DISTRIBUTIONS.get(top, top).lower()
    found = set()
    for line in requires("graphlearn") or ():
        distribution = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower().replace("_", "-")
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if extra and distribution == name.replace("_", "-"):
            found.add(extra[1])
    return sorted(found.difference(NOT_OFFERED))


def missing_library(error: ModuleNotFoundError, extra: str) -> str | None:
    """What to install where a library cannot be imported.

    Args:
        error: From the import.
        extra: That of the command; it is named first where it brings the library.

    Returns:
        One line, or None where the library belongs to no extra.
    """
    extras = extras_with(error.name or "")
    if not extras:
        return None
    first = extra if extra in extras else extras[0]
    others = [other for other in extras if other != first]
    also = f" (it also comes with {', '.join(others)})" if others else ""
    return (
        f"this command needs {(error.name or '').partition('.')[0]}, which is not installed: "
        f"pip install 'graphlearn[{first}]'{also}, or 'graphlearn[all]' for everything"
    )
