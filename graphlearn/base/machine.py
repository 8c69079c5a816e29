"""What this machine has to offer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_bytes() -> float:
    """Memory that this process and its children may still take: what the machine has left, or a cgroup allows."""
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    info = Path("/proc/meminfo")
    if info.is_file():
        fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        limits.append(float(fields.get("MemAvailable", "inf kB").split()[0]) * 1024)
    return min(limits + [left for group in _cgroups() if (left := _left_in(group)) is not None])


def _cgroups() -> Iterator[Path]:
    """Memory cgroups of this process, from its own to the root."""
    file = Path("/proc/self/cgroup")
    for line in file.read_text().splitlines() if file.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            own = CGROUPS / controllers / path.lstrip("/")
            yield from (group for group in (own, *own.parents) if group.is_relative_to(CGROUPS))


def _left_in(group: Path) -> float | None:
    """Limit of a cgroup less what is used and not merely cached; None where it has no limit."""
    for limit, used, cached in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            text = (group / limit).read_text().strip()
            if not text.isdigit():
                continue
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            return float(text) - float((group / used).read_text()) + float(stat.get(cached, 0))
        except (OSError, ValueError):
            continue
    return None
