"""What this machine has to offer."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_bytes() -> float:
    """Memory that this process and its children may still take: what the machine has left, or the cgroup allows."""
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    info = Path("/proc/meminfo")
    if info.is_file():
        fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        limits.append(float(fields.get("MemAvailable", "inf kB").split()[0]) * 1024)
    groups = [file.read_text() for file in map(Path, CGROUP_LIMITS) if file.is_file()]
    return min(limits + [float(text) for text in groups if text.strip().isdigit()])
