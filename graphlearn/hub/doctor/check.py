"""One check of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "missing", "failed"]


@dataclass(frozen=True)
class Check:
    """What was looked at, and what was found.

    Args:
        section: ``machine``, ``packages``, ``extras``, ``folders`` or ``self-test``.
        part: What was looked at.
        status: ``ok``; ``missing`` where it is not there; ``failed`` where it is there and does not work.
        detail: What was found.
        advice: What to type next, where the status is not ok.
        needed: Whether the package is incomplete without it.
    """

    section: str
    part: str
    status: Status
    detail: str
    advice: str = ""
    needed: bool = True

    @property
    def is_fault(self) -> bool:
        """Whether something has to be done: it failed, or is missing and needed."""
        return self.status == "failed" or (self.status == "missing" and self.needed)
