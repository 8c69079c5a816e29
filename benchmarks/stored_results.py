"""Stored results, one JSON file each: what a command measured, and the tables, figures and aims made of it.

Text is made of numbers by templates, ``{rows[0][seconds]:.2f}``: Python's format strings whose fields are names and
keys alone, or ``{rows[batch=32&readout=mean][seconds]:.2f}`` for the one row with these fields. ``{a/b:.1f}`` is a
ratio; both numbers must be of one result, so of one run.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from graphlearn.base import tables

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks" / "results"
MISSING = "–"
_FIELD = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\])*)")
_RATIO = re.compile(r"(?:^|[_ ])ratio|times_(?:faster|less)|_over_|speed[-_ ]?up", re.IGNORECASE)


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Aim(_Stored):
    """What a result should reach; a miss needs its reason."""

    aim: str
    measured: str
    at_least: float | None = None
    at_most: float | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Aim:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("an aim has either at_least or at_most")
        return self

    def met(self, value: float) -> bool:
        """Whether a measured value reaches the aim."""
        return value >= self.at_least if self.at_least is not None else value <= float(self.at_most or 0.0)


class Table(_Stored):
    """A Markdown table: one row per record that the path ``rows`` leads to, one template per column.

    ``"*"`` in the path stands for every key or place; they are the fields ``{0}``, ``{1}``, ... of a row, and can be
    keys themselves, ``{terms[all][{0}][fmax]:.3f}``. Records without the key ``having`` are left out. With
    ``lowest_in_bold`` the lowest number of each column is bold among rows with one first cell, which then is not
    repeated. ``cells`` gives the rows as they are, templates by column.
    """

    rows: list[str] = []
    having: str | None = None
    columns: dict[str, str] = {}
    cells: list[dict[str, str]] = []
    lowest_in_bold: bool = False


class Figure(_Stored):
    """A picture that the command writes beside its numbers, and the checksum of the copy in the repository."""

    source: str
    sha256: str
    note: str | None = None  # what was changed after it was drawn


class Tolerance(_Stored):
    """How far a fresh number may be from the stored one: ``absolute + relative * |stored|``, and why."""

    absolute: float
    relative: float
    why: str


class Result(_Stored):
    """One stored result.

    ``OUT`` in the command is the file or folder that it writes; in a folder ``writes`` names the JSON file. Without a
    command it is made of other results.
    """

    command: str | None = None
    writes: str = ""
    date: str | None = None
    machine: str | None = None
    versions: dict[str, str] = {}
    remeasured: bool = False
    provenance: str | None = None
    values: Any = {}
    tables: dict[str, Table] = {}
    figures: dict[str, Figure] = {}
    aims: list[Aim] = []
    tolerance: Tolerance | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Result:
        if self.command and not (self.date and self.machine):
            raise ValueError("a measured result has a date and the class of its machine")
        if self.command and not self.remeasured and not self.provenance:
            raise ValueError("a result that is not measured again says in 'provenance' where it comes from")
        if not self.command and self.values:
            raise ValueError("a result with values has the command that measured them")
        if bad := sorted({key for key in _keys(self.values) if _RATIO.search(key)}):
            raise ValueError(f"store the two numbers and form the ratio in a template: {', '.join(bad)}")
        return self


Results = Mapping[str, Result]


def read_results(folder: Path = FOLDER) -> dict[str, Result]:
    """All stored results by name.

    Raises:
        ValueError: naming the file that is no stored result, and the first key that is wrong.
    """
    return {file.stem: _read_result(file) for file in sorted(folder.glob("*.json"))}


def _read_result(file: Path) -> Result:
    try:
        return Result.model_validate_json(file.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ValueError(f"{file}: no stored result: {where}: {first['msg']}") from None


def write_result(path: Path, result: Result) -> None:
    """Write a result as people edit it."""
    text = json.dumps(result.model_dump(mode="json", exclude_defaults=True), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def text_of(template: str, results: Results, name: str = "", row: Mapping[str, Any] | None = None) -> str:
    """Fill a template: fields of the row, of the result ``name``, or of any result by its name.

    Raises:
        KeyError, IndexError: where a field leads nowhere.
        ValueError: for a ratio of numbers of two results.
    """
    return _Templates(results, name, row or {}).format(template)


def table_text(results: Results, name: str, part: str) -> str:
    """A table of a result as Markdown, with the line that says how it was measured."""
    result = results[name]
    table = result.tables[part]
    if table.cells:
        columns = list(table.cells[0])
        lines = [[text_of(cells[c], results, name) for c in columns] for cells in table.cells]
    else:
        columns = list(table.columns)
        records = [r for r in _records(result.values, table.rows) if table.having is None or table.having in r]
        lines = [[_cell(table.columns[c], results, name, record) for c in columns] for record in records]
        if empty := [c for c, cells in zip(columns, zip(*lines, strict=True), strict=True) if set(cells) == {MISSING}]:
            raise ValueError(f"{name}: no row has anything for column {empty[0]!r}")
    if table.lowest_in_bold:
        lines = _emphasised(lines)
    drawn = tables.Table(columns, lines).markdown()
    return f"{drawn}\n\n{how_measured(result)}" if result.command else drawn


def how_measured(result: Result) -> str:
    """Command, date and machine, or where a result that was not measured again comes from."""
    if not result.remeasured:
        return f"`{result.command}`; {result.provenance}; not measured again since."
    versions = ", ".join(f"{package} {version}" for package, version in result.versions.items())
    return f"`{result.command}`; {result.date}, {result.machine}; {versions}."


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Templates(string.Formatter):
    def __init__(self, results: Results, name: str, row: Mapping[str, Any]) -> None:
        self.results, self.name, self.row = results, name, row

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        found = [self._look_up(part) for part in re.split(r"/(?![^\[]*\])", field_name)]
        if len(found) == 1:
            return found[0][0], field_name
        (above, run), (below, other) = found
        if run != other:
            raise ValueError(f"{field_name}: a ratio of two runs, {run!r} and {other!r}")
        return above / below, field_name

    def _look_up(self, field: str) -> tuple[Any, str]:
        matched = _FIELD.fullmatch(field)
        if matched is None:
            raise KeyError(field)
        root, keys = matched[1], re.findall(r"\[([^\]]+)\]", matched[2])
        own = self.results[self.name].values if self.name else {}
        if root in self.row:
            value, run = self.row[root], self.name
        elif isinstance(own, dict) and root in own:
            value, run = own[root], self.name
        else:
            value, run = self.results[root].values, root
        for key in keys:
            value = _item(value, key) if isinstance(value, list) else value[key]
        return value, run


def _item(rows: list[Any], key: str) -> Any:
    """A row by its place, or the one row whose fields are as in ``batch=32&readout=mean``."""
    if key.isdecimal():
        return rows[int(key)]
    wanted = dict(part.split("=", 1) for part in key.split("&"))
    found = [row for row in rows if all(str(row.get(name)) == value for name, value in wanted.items())]
    if len(found) != 1:
        raise KeyError(f"{len(found)} rows with {key}")
    return found[0]


def _cell(template: str, results: Results, name: str, record: Mapping[str, Any]) -> str:
    for place in (key for key in record if key.isdecimal()):
        template = template.replace(f"[{{{place}}}]", f"[{record[place]}]")
    try:
        return text_of(template, results, name, record)
    except (KeyError, TypeError):
        return MISSING


def _records(values: Any, path: Sequence[str], seen: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    if not path:
        yield {
            **{str(i): key for i, key in enumerate(seen)},
            **(values if isinstance(values, dict) else {"value": values}),
        }
        return
    step, *rest = path
    if step != "*":
        yield from _records(values[step], rest, seen)
        return
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        yield from _records(value, rest, (*seen, str(key)))


def _emphasised(lines: list[list[str]]) -> list[list[str]]:
    """The lowest number of each column bold among rows with one first cell; that cell only once."""
    out = [list(cells) for cells in lines]
    for group in {cells[0]: [i for i, other in enumerate(lines) if other[0] == cells[0]] for cells in lines}.values():
        for column in range(1, len(lines[0])):
            numbers = {i: float(lines[i][column]) for i in group if re.fullmatch(r"-?[\d.]+", lines[i][column])}
            for i, number in numbers.items():
                if number == min(numbers.values()):
                    out[i][column] = f"**{lines[i][column]}**"
        for i in group[1:]:
            out[i][0] = ""
    return out


def _keys(values: Any) -> Iterator[str]:
    if isinstance(values, dict):
        yield from values
    for value in values.values() if isinstance(values, dict) else values if isinstance(values, list) else ():
        yield from _keys(value)
