"""Write requirements.lock: constraints.txt and what builds this package, each file with its sha256.

    python tests/lock_requirements.py

pip says which files it would install. Hashes that the lock holds already for the same version are kept, so that several
builds (torch for CPUs, and that of PyPI) are allowed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONSTRAINTS, LOCK = ROOT / "constraints.txt", ROOT / "requirements.lock"
BUILD = ("hatchling>=1.25", "editables")
HEADER = """\
# What constraints.txt names, and what builds this package, with the sha256 of each file for CPython 3.11 on Linux
# x86_64 (torch: the build for CPUs and that of PyPI). Nothing else is installed: make locked
"""
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\]+)((?:\s*\\\s*--hash=sha256:[0-9a-f]{64})*)\s*$", re.MULTILINE)


def canonical(name: str) -> str:
    """A name as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[tuple[str, str], set[str]]:
    """Hashes by name and version, of a list of requirements."""
    return {(canonical(m[1]), m[2]): set(re.findall(r"sha256:([0-9a-f]{64})", m[3])) for m in PIN.finditer(text)}


def resolved(*arguments: str) -> dict[tuple[str, str], set[str]]:
    """What pip would install, with the hash of each file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "-q"]
        subprocess.run([*command, "--report", report.name, *arguments], check=True)
        items = json.loads(Path(report.name).read_text())["install"]
    return {
        (canonical(i["metadata"]["name"]), i["metadata"]["version"].partition("+")[0]): {
            i["download_info"]["archive_info"]["hashes"]["sha256"]
        }
        for i in items
    }


def main() -> None:
    """Write the lock."""
    found = resolved("--no-deps", "-r", str(CONSTRAINTS)) | resolved("-c", str(CONSTRAINTS), *BUILD)
    before = pins(LOCK.read_text()) if LOCK.is_file() else {}
    lines = [
        f"{name}=={version}" + "".join(f" \\\n    --hash=sha256:{h}" for h in sorted(new | before.get(key, set())))
        for key, new in sorted(found.items())
        for name, version in [key]
    ]
    LOCK.write_text(HEADER + "\n".join(lines) + "\n")
    print(f"wrote {LOCK}: {len(lines)} packages")


if __name__ == "__main__":
    main()
