"""Names from outside as names of files."""

import pytest
from hypothesis import given, strategies as st

from graphlearn.base.file_names import LONGEST, file_name


@pytest.mark.parametrize("text", ["H2O", "gdb_000001", "1A2B-C", "ethanol.1+"])
def test_plain_names_are_kept(text):
    assert file_name(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "..", ".", "/", "../../etc/passwd", "a/b", "-rf", ".hidden", "a\0b", "a\nb", "x" * 300, "Å" * 300, "\ud800"],
)
def test_nothing_is_a_path_or_an_option(text, tmp_path):
    name = file_name(text)
    assert name[0] not in ".-"
    assert "/" not in name
    assert len(name) <= LONGEST
    (tmp_path / f"{name}_d0.h5").write_text("")
    assert [p.name for p in tmp_path.iterdir()] == [f"{name}_d0.h5"]


def test_names_that_differ_give_files_that_differ():
    assert len({file_name(t) for t in ("C#N", "C=N", "C_N", "C N", "x" * 300, "x" * 301)}) == 6
    assert file_name("C#N") == "C_N-2e683ad4"  # the same in every run and release: data sets are continued by it


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_no_two_names_meet(pair):
    assert file_name(pair[0]) != file_name(pair[1])
