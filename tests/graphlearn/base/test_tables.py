import csv

import pytest
from rich.console import Console

from graphlearn.base.tables import Table

TABLE = Table(
    ["method", "l2"], [["zero", "1.000"], ["Response[1]", "**0.250**"]], title="held [out]", note="0 is perfect"
)


def test_markdown_has_a_line_per_row_and_keeps_bold():
    assert TABLE.markdown().splitlines() == [
        "| method | l2 |", "| --- | --- |", "| zero | 1.000 |", "| Response[1] | **0.250** |",
    ]  # fmt: skip
    assert Table(["a|b"], []).markdown().splitlines()[0] == "| a\\|b |"


def test_the_terminal_shows_names_in_brackets_and_bold_without_stars():
    console = Console(width=80, force_terminal=True, color_system="standard", highlight=False)
    with console.capture() as said:
        console.print(TABLE.terminal())
    assert "held [out]" in said.get()
    assert "Response[1]" in said.get()
    assert "0 is perfect" in said.get()
    assert "*" not in said.get()
    assert "\x1b[1m0.250" in said.get()


def test_csv_reads_back_as_the_cells(tmp_path):
    with TABLE.write_csv(tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["method", "l2"], ["zero", "1.000"], ["Response[1]", "0.250"]]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="a row of 1 cells under 2 headings"):
        Table(["a", "b"], [["1"]])


def test_columns_of_words_stand_at_the_left_and_of_numbers_at_the_right():
    console = Console(width=80, color_system=None)
    with console.capture() as said:
        console.print(Table(["id", "name", "share"], [["a", "x", "1.0"], ["b", "word", "10.0"]]).terminal())
    lines = [line.rstrip() for line in said.get().splitlines()]
    assert "  a    x        1.0" in lines
    assert "  b    word    10.0" in lines
