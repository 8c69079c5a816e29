"""One table for the terminal, a Markdown file, and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphlearn.base.files import replace_csv

if TYPE_CHECKING:
    from rich.table import Table as RichTable


@dataclass
class Table:
    """Rows of text under headings.

    Args:
        columns: Headings.
        rows: Cells of each row, as many as there are headings, formatted by the caller; ``**text**`` is bold.
        title: Printed above the table on a terminal.
        note: Printed below it on a terminal.

    Raises:
        ValueError: if a row has more or fewer cells than there are headings.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells under {len(self.columns)} headings: {list(row)}")

    def markdown(self) -> str:
        """The table as Markdown, without title and note; ends without a line break."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)

    def terminal(self) -> RichTable:
        """The table for :meth:`rich.console.Console.print`; columns of numbers stand at the right."""
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn = RichTable(
            title=self.title and Text(self.title), caption=self.note and Text(self.note), title_justify="left",
            caption_justify="left", box=box.SIMPLE_HEAD,
        )  # fmt: skip
        for number, heading in enumerate(self.columns):
            words = number == 0 or any(_plain(row[number])[:1].isalpha() for row in self.rows)
            drawn.add_column(Text(heading), justify="left" if words else "right")
        for row in self.rows:
            drawn.add_row(*(Text(_plain(cell), "bold" if cell != _plain(cell) else "") for cell in row))
        return drawn

    def write_csv(self, path: Path) -> Path:
        """Write headings and rows as CSV, whole or not at all; returns the path."""
        return replace_csv(path, self.columns, [[_plain(cell) for cell in row] for row in self.rows])


def _plain(cell: str) -> str:
    bold = len(cell) > 4 and cell.startswith("**") and cell.endswith("**")
    return cell[2:-2] if bold else cell
