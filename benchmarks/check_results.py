"""Compare the stored results with their aims, and with the tables and figures in README, cards and docs.

    python benchmarks/check_results.py                              # exit code 1 where something does not agree
    python benchmarks/check_results.py --write                      # fill the marked blocks anew
    python benchmarks/check_results.py --fresh demo runs/demo/results.json

A block ``<!-- results: NAME -->`` ... ``<!-- end -->`` holds the table ``table`` of a result, ``NAME/PART`` another;
in a line of text ``<!-- results: {NAME[key]:.2f} -->`` ... ``<!-- end -->`` holds one number.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stored_results import (
    FOLDER,
    MISSING,
    ROOT,
    Result,
    Results,
    Tolerance,
    checksum,
    read_results,
    table_text,
    text_of,
)

MARKED = re.compile(r"<!-- results: (.+?) -->(.*?)<!-- end -->", re.DOTALL)
AT_LINE_START = re.compile(r"^<!-- results: \{", re.MULTILINE)  # there Markdown takes the line for HTML
PICTURE = re.compile(r"docs/images/[\w.]+\.png|(?<=\(images/)[\w.]+\.png")


def pages(root: Path) -> list[Path]:
    """What may hold marked blocks."""
    patterns = ("README.md", "benchmarks/README.md", "models/*/README.md", "datasets/*/README.md", "docs/*.md")
    return [page for pattern in patterns for page in sorted(root.glob(pattern))]


def filled(text: str, results: Results) -> str:
    """A page with its marked parts made from the stored results."""

    def fill(match: re.Match[str]) -> str:
        what = match[1]
        if "{" in what:
            inner = text_of(what, results)
        else:
            name, _, part = what.partition("/")
            inner = f"\n{table_text(results, name, part or 'table')}\n"
        return f"<!-- results: {what} -->{inner}<!-- end -->"

    return MARKED.sub(fill, text)


def differing_pages(root: Path, results: Results, *, write: bool = False) -> Iterator[str]:
    """Pages whose blocks are not what the stored results give; with ``write`` they are filled instead."""
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        where = page.relative_to(root)
        if AT_LINE_START.search(text):
            yield f"{where}: a marked number stands at the start of a line"
        if text.count("<!-- results: ") != len(MARKED.findall(text)):
            yield f"{where}: a marked block has no end"
        try:
            new = filled(text, results)
        except (KeyError, IndexError, ValueError) as error:
            yield f"{where}: a marked block cannot be filled: {error}"
            continue
        if new != text and write:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {where}")
        elif new != text:
            changed = [m[1] for m, n in zip(MARKED.finditer(text), MARKED.finditer(new), strict=True) if m[0] != n[0]]
            yield f"{where}: differs from the stored results in {'; '.join(changed)}; make results-write fills it"


def differing_figures(root: Path, results: Results) -> Iterator[str]:
    """Figures that are not those which the commands wrote, or of which no stored result knows."""
    known = {path: figure for result in results.values() for path, figure in result.figures.items()}
    for path, figure in known.items():
        if not (root / path).is_file():
            yield f"{path}: is not there"
        elif checksum(root / path) != figure.sha256:
            yield f"{path}: is not the picture that the command of its stored result wrote"
    for page in pages(root):
        for found in PICTURE.findall(page.read_text(encoding="utf-8")):
            path = found if found.startswith("docs/") else f"docs/images/{found}"
            if path not in known:
                yield f"{page.relative_to(root)}: no stored result lists {path}"


def aim_rows(results: Results) -> Iterator[tuple[str, str, str, str, bool]]:
    """Result, aim, measured value, whether it is met or why not, and whether that is in order."""
    for name, result in results.items():
        for aim in result.aims:
            bound = f"at least {aim.at_least:g}" if aim.at_least is not None else f"at most {aim.at_most:g}"
            try:
                measured = text_of(aim.measured, results, name)
                met = aim.met(float(measured))
            except (KeyError, IndexError, ValueError) as error:
                yield name, f"{aim.aim}: {bound}", MISSING, f"not measured: {error}", False
                continue
            verdict = "yes" if met else f"no: {aim.reason}" if aim.reason else "no, and no reason is recorded"
            yield name, f"{aim.aim}: {bound}", measured, verdict, met or bool(aim.reason)


def far_from(stored: Any, fresh: Any, tolerance: Tolerance, where: str = "") -> Iterator[str]:
    """Where fresh values differ from the stored ones by more than the tolerance."""
    if isinstance(stored, dict) and isinstance(fresh, dict):
        for key in sorted({*stored, *fresh}, key=str):
            if key not in stored or key not in fresh:
                yield f"{where}[{key}]: only in the {'stored' if key in stored else 'fresh'} values"
            else:
                yield from far_from(stored[key], fresh[key], tolerance, f"{where}[{key}]")
    elif isinstance(stored, list) and isinstance(fresh, list) and len(stored) == len(fresh):
        for i, (one, other) in enumerate(zip(stored, fresh, strict=True)):
            yield from far_from(one, other, tolerance, f"{where}[{i}]")
    elif isinstance(stored, int | float) and isinstance(fresh, int | float):
        if abs(fresh - stored) > tolerance.absolute + tolerance.relative * abs(stored):
            yield f"{where}: {fresh:.4g}, stored {stored:.4g}"
    elif stored != fresh:
        yield f"{where}: {fresh!r}, stored {stored!r}"


def compare_fresh(name: str, result: Result, file: Path) -> list[str]:
    """Lines that say where a fresh run of a result's command gives something else."""
    if result.tolerance is None:
        return [f"{name}: the stored result states no tolerance"]
    return list(far_from(result.values, json.loads(file.read_text(encoding="utf-8")), result.tolerance, name))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="fill the marked blocks from the stored results")
    parser.add_argument("--fresh", nargs=2, metavar=("NAME", "FILE"), help="compare the JSON of a fresh run")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args()
    try:
        results = read_results(options.root / FOLDER.relative_to(ROOT))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if options.fresh:
        name, file = options.fresh
        problems = compare_fresh(name, results[name], Path(file))
        print(f"{name}: {len(problems)} values beyond the tolerance")
    else:
        rows = list(aim_rows(results))
        lines = [("result", "aim", "measured", "met"), *(row[:4] for row in rows)]
        first, second = (max(len(line[column]) for line in lines) for column in (0, 1))
        for line in lines:
            print(f"{line[0]:{first}}  {line[1]:{second}}  {line[2]:>8}  {line[3]}")
        old = sorted(name for name, result in results.items() if result.command and not result.remeasured)
        print(
            f"\n{len(results)} stored results; not measured again since they were recorded: {', '.join(old) or 'none'}"
        )
        problems = [f"{row[0]}: {row[1]}: {row[3]}" for row in rows if not row[4]]
        problems += differing_pages(options.root, results, write=options.write)
        problems += differing_figures(options.root, results)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
