"""Run every bash, python and diff block of the README and of docs/*.md, in order; stop at the first that fails.

    python tests/check_readme.py                     # every page
    python tests/check_readme.py docs/readouts.md

Each page starts in a folder of its own, as its reader does, with ``structures``, two files of proteins, and nothing
else. The README's reader has run ``make demo``: there, and only there, ``runs/demo`` is what that command left in the
checkout.

A diff block is a program before and after a change: both must run, and the change may add three lines at most.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(bash|python|diff)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINES_OF_A_CHANGE = 3
STRUCTURES = ("1EJG.pdb.gz", "1dix.cif.gz")


def commands(language: str, code: str) -> list[list[str]]:
    """What to run for a block."""
    if language == "bash":
        return [["bash", "-euo", "pipefail", "-c", code]]
    if language == "python":
        return [[sys.executable, "-c", code]]
    lines = code.splitlines()
    added = sum(line.startswith("+") for line in lines)
    if added > LINES_OF_A_CHANGE:
        sys.exit(f"the change of a diff block adds {added} lines, more than {LINES_OF_A_CHANGE}")
    programs = ("\n".join(line[1:] for line in lines if not line.startswith(sign)) for sign in "+-")
    return [[sys.executable, "-c", program] for program in programs]


def run_page(page: Path, folder: Path) -> int:
    """Print and run the blocks of a page in a folder; returns how many."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    for language, code in blocks:
        print(f"--- {page.name}: {language}\n{code}", flush=True)
        for command in commands(language, code):
            subprocess.run(command, check=True, cwd=folder)
    return len(blocks)


def main() -> None:
    """Run the pages, all or those named."""
    pages = [Path(name).resolve() for name in sys.argv[1:]]
    count = 0
    for page in pages or (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        with tempfile.TemporaryDirectory() as folder:
            for name in STRUCTURES:
                (Path(folder) / "structures").mkdir(exist_ok=True)
                shutil.copy(ROOT / "tests/data/structures" / name, Path(folder) / "structures" / name)
            if page == ROOT / "README.md":
                (Path(folder) / "runs").mkdir()
                (Path(folder) / "runs" / "demo").symlink_to(ROOT / "runs" / "demo")
            count += run_page(page, Path(folder))
    print(f"{count} blocks ran")


if __name__ == "__main__":
    main()
