"""The tables of docs/contracts.md are those of the classes, and name every key that is written."""

import runpy
from pathlib import Path

from tdddft.dataset.index import KEYS, failed_record
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import ARRAYS, write_trajectory

ROOT = Path(__file__).parent.parent


def test_each_table_is_that_of_its_class():
    tables = runpy.run_path(str(ROOT / "docs/contract_tables.py"))
    page = (ROOT / "docs/contracts.md").read_text(encoding="utf-8")
    assert {found[1] for found in tables["BLOCK"].findall(page)} == set(tables["TABLES"])
    assert tables["filled"](page) == page
    assert all(f"| `{a.path}` |" in page for a in ARRAYS.values())


def test_a_changed_table_is_noticed():
    tables = runpy.run_path(str(ROOT / "docs/contract_tables.py"))
    page = (ROOT / "docs/contracts.md").read_text(encoding="utf-8")
    changed = page.replace("positions of the nuclei", "positions of the electrons")
    assert changed != page
    assert tables["filled"](changed) == page


def test_the_index_has_no_other_keys_than_those_described(tmp_path, small_trajectory):
    folder = DatasetFolder(tmp_path)
    write_trajectory(folder.path("H2_d0"), small_trajectory)
    written = {**folder.done_record("H2_d0", small_trajectory), **failed_record("H2_d1", ValueError("no"))}
    assert set(written) == set(KEYS)
