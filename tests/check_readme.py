"""Run every bash and python block of the README, in order, in the current folder; stop at the first that fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def main() -> None:
    """Print and run the blocks."""
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    for language, code in blocks:
        print(f"--- {language}\n{code}", flush=True)
        command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
        subprocess.run(command, check=True)
    print(f"{len(blocks)} blocks of the README ran")


if __name__ == "__main__":
    main()
