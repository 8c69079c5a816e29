"""YAML and JSON of others: plain values; what is nested, repeated or large beyond bounds is refused at once."""

from __future__ import annotations

import time

import pytest

from graphlearn.base.errors import InputError
from graphlearn.base.plain_data import parse_json, parse_yaml, read_json, read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
)


def test_plain_values_are_read():
    assert parse_yaml("a: [1, 2.5, text, null, true]\nb: {c: 1}\n", "r.yaml") == {
        "a": [1, 2.5, "text", None, True], "b": {"c": 1},
    }  # fmt: skip
    assert parse_json('{"a": [1, 2.5, "text", null, true]}', "m.json") == {"a": [1, 2.5, "text", None, True]}


def test_a_few_aliases_are_read():
    text = "a: &x {b: 1}\nc: *x\nd: &y 2\ne: *y\n"
    assert parse_yaml(text, "r.yaml") == {"a": {"b": 1}, "c": {"b": 1}, "d": 2, "e": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"holds more than 512 MB when unpacked.*GRAPHLEARN_MAX_UNPACKED_MB"),
        ("a: &a [*a]\n", r"the alias \*a refers to itself"),
        ("a: *b\n", r"alias"),
        ("a: " + "[" * 101 + "]" * 101, "nested more than 100 deep"),
        ("a: " + "[" * 100_000, "nested more than 100 deep"),
        ("- " * 100_000, "nested more than 100 deep"),
        ("a: !!python/object/apply:os.system ['touch was-run']\n", "could not determine a constructor"),
        ("a: 2001-99-99\n", "not readable as YAML"),
        ("a: " + "9" * 5000, "not readable as YAML"),
        ("? [a]\n: b\n", "not readable as YAML"),
        ("a: 'b\n", "not readable as YAML"),
        ("a: \x00\n", "not readable as YAML"),
        ("x" * 11_000_000, "holds more than"),
    ],
    ids=["bomb", "itself", "nothing", "101", "deep", "deep lists", "object", "date", "digits", "key", "quote",
         "zero", "large"],
)  # fmt: skip
def test_other_yaml_gives_one_line_at_once(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(text)
    started = time.perf_counter()
    with pytest.raises(InputError, match=message) as caught:
        read_yaml(tmp_path / "r.yaml")
    assert time.perf_counter() - started < 5
    assert str(tmp_path / "r.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 101 + "]" * 101, "nested more than 100 deep"),
        ("[" * 100_000, "nested more than 100 deep"),
        ('{"a":' * 5000, "nested more than 100 deep"),
        ('{"a": [NaN]}', "nan is no number"),
        ('{"a": -Infinity}', "-inf is no number"),
        ('{"a": 1e999}', "inf is no number"),
        ("9" * 5000, "not readable as JSON"),
        ("{", "not readable as JSON"),
        ("", "not readable as JSON"),
        (" " * 33_000_000, "holds more than"),
    ],
    ids=["101", "deep lists", "deep tables", "nan", "infinite", "overflow", "digits", "cut", "empty", "large"],
)
def test_other_json_gives_one_line_at_once(tmp_path, text, message):
    (tmp_path / "m.json").write_text(text)
    started = time.perf_counter()
    with pytest.raises(InputError, match=message) as caught:
        read_json(tmp_path / "m.json")
    assert time.perf_counter() - started < 5
    assert str(tmp_path / "m.json") in str(caught.value)


def test_as_deep_as_the_bound_is_read():
    deep = "[" * 100 + "]" * 100
    assert parse_json(deep, "m.json") == parse_yaml(deep, "r.yaml")


def test_numbers_that_are_none_are_read_where_they_may_be():
    assert parse_json("[NaN, 1]", "m.json", finite=False)[1] == 1


def test_the_bound_can_be_raised(monkeypatch):
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "0.01")
    with pytest.raises(InputError, match=r"holds more than 0\.01 MB"):
        parse_yaml("[" + "1, " * 20 + "]", "r.yaml")
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "1")
    assert parse_yaml("[" + "1, " * 20 + "]", "r.yaml") == [1] * 20


@pytest.mark.parametrize("read", [read_json, read_yaml])
def test_files_that_are_no_text(tmp_path, read):
    (tmp_path / "f").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not readable as"):
        read(tmp_path / "f")
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "absent")
