"""Tables of docs/contracts.md, made of the classes that read and write the files.

python docs/contract_tables.py            # exit code 1 if a table differs from its class
python docs/contract_tables.py --write    # write them anew
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from graphlearn.base.tables import Table

PAGE = Path(__file__).parent / "contracts.md"
BLOCK = re.compile(r"(<!-- contract: ([a-z_ ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TYPES = {
    "integer": "integer", "real": "float64 or float32", "complex": "complex64 or complex128",
}  # fmt: skip


def arrays() -> str:
    """Arrays of a trajectory file."""
    from tdddft.trajectory import ARRAYS

    return _table(
        ("HDF5 path", "dtype", "shape", "unit", "meaning"),
        (
            (f"`{a.path}`", TYPES[a.kind], ", ".join(map(str, a.shape)), a.unit or "–", a.meaning)
            for a in ARRAYS.values()
        ),
    )


def metadata() -> str:
    """Keys of the JSON object in the attribute ``info`` of each group."""
    from tdddft.trajectory.hdf5 import GROUPS

    rows = [(name, key, text, needed) for name, kind in GROUPS.items() for key, text, needed in _keys(kind)]
    return _table(("group", "key", "meaning", "required"), ((f"`{g}`", f"`{k}`", t, n) for g, k, t, n in rows))


def index() -> str:
    """Keys of a line of ``index.jsonl``."""
    from tdddft.dataset.index import KEYS

    return _of(KEYS, "key")


def selection() -> str:
    """Columns of ``selection.csv``."""
    from tdddft.molecules.selection import MEANINGS

    return _of(MEANINGS, "column")


def statistics() -> str:
    """Keys of ``statistics.json``."""
    from graphlearn.orbitals.data.statistics_file import DatasetStatistics, StatisticsFile, TrajectorySums

    parts = {"": StatisticsFile, "pooled.": DatasetStatistics, "trajectories.ID.": TrajectorySums}
    return _of({f"{start}{key}": text for start, kind in parts.items() for key, text in described(kind)}, "key")


def model_card() -> str:
    """Keys of ``model.json``, those of a system after those of every card."""
    from graphlearn.orbitals.model_folder import OrbitalCard
    from graphlearn.training.card import ModelCard, TrainingCourse

    parts = (
        ("", ModelCard, "every model"),
        ("training.", TrainingCourse, "every model"),
        ("", OrbitalCard, "orbitals"),
    )
    rows = []
    for start, kind, owner in parts:
        for name, text in described(kind):
            key = kind.model_fields[name].alias or name
            rows.append((f"`{start}{key}`", owner, text))
    return _table(("key", "of", "meaning"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "trajectory arrays": arrays,
    "trajectory metadata": metadata,
    "index": index,
    "selection": selection,
    "statistics": statistics,
    "model card": model_card,
}


def described(kind: type) -> list[tuple[str, str]]:
    """Names and texts of the section Args or Attributes of the docstring of a class."""
    section = re.split(r"\n\s*(?:Args|Attributes):\n", kind.__doc__ or "")[1]
    section = re.sub(r":\w+:(`[^`]*`)", r"\1", section)
    return [
        (name, " ".join(text.split())) for name, text in re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", section, re.M)
    ]


def filled(page: str) -> str:
    """The page with each marked table as its class says now."""
    return BLOCK.sub(lambda block: f"{block[1]}{TABLES[block[2]]()}\n{block[3]}", page)


def _keys(kind: type[BaseModel]) -> Iterable[tuple[str, str, str]]:
    for name, field in kind.model_fields.items():
        yield name, str(field.description), "yes" if field.is_required() else "no"


def _of(texts: Mapping[str, str], title: str) -> str:
    return _table((title, "meaning"), ((f"`{key}`", text) for key, text in texts.items()))


def _table(titles: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    return Table(list(titles), [list(map(str, row)) for row in rows]).markdown()


def main() -> int:
    """Compare, or write."""
    page = PAGE.read_text(encoding="utf-8")
    now = filled(page)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(now, encoding="utf-8")
        return 0
    if now != page:
        print(f"{PAGE}: a table differs from its class; run python docs/contract_tables.py --write")
    return int(now != page)


if __name__ == "__main__":
    sys.exit(main())
