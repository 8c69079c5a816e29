"""Run every bash, python and diff block of the README and of docs/*.md, in order; stop at the first that fails.

A diff block is a program before and after a change: both must run, and the change may add three lines at most.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(bash|python|diff)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINES_OF_A_CHANGE = 3


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


def main() -> None:
    """Print and run the blocks."""
    count = 0
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for language, code in BLOCK.findall(page.read_text()):
            print(f"--- {page.name}: {language}\n{code}", flush=True)
            for command in commands(language, code):
                subprocess.run(command, check=True)
            count += 1
    print(f"{count} blocks ran")


if __name__ == "__main__":
    main()
