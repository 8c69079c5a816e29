"""What comes from elsewhere is pinned: the lock file of the packages, the drawing library that is carried."""

from __future__ import annotations

import hashlib
import json
import re

from lock_requirements import CONSTRAINTS, LOCK, ROOT, pins

CARRIED = ROOT / "graphlearn/proteins/prediction/assets/3dmol"


def test_the_lock_holds_every_constraint_with_its_hash():
    locked, wanted = pins(LOCK.read_text()), pins(CONSTRAINTS.read_text())
    assert len(wanted) > 100
    assert wanted.keys() <= locked.keys()
    assert all(locked.values())
    assert {name for name, _ in locked.keys() - wanted.keys()} == {
        "editables",
        "hatchling",
        "trove-classifiers",
    }


def test_torch_may_come_for_cpus_or_from_pypi():
    (hashes,) = (found for (name, _), found in pins(LOCK.read_text()).items() if name == "torch")
    assert len(hashes) == 2


def test_the_lock_names_no_place():
    text = LOCK.read_text()
    assert not re.search(r"https?:|file:|@ |^-|index|/\w", re.sub(r"^#.*$", "", text, flags=re.MULTILINE))
    lines = [line for line in text.splitlines() if not line.startswith(("#", "    --hash=sha256:"))]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+ \\", line) for line in lines)


def test_ci_installs_from_the_lock_alone():
    make = (ROOT / "Makefile").read_text()
    assert "make locked" in (ROOT / ".ci/run").read_text().splitlines()
    assert "-q $(PIP_ARGS) --require-hashes --no-deps\n" in make
    assert "\t$(LOCKED) -r requirements.lock\n" in make
    assert "--no-deps --no-build-isolation -e ." in make


def test_the_carried_drawing_library_is_the_recorded_one():
    record = json.loads((CARRIED / "version.json").read_text())
    script = (CARRIED / record["file"]).read_bytes()
    assert hashlib.sha256(script).hexdigest() == record["sha256"]
    assert [p.name for p in CARRIED.glob("*.js")] == [record["file"]]
    assert re.fullmatch(r"\d+\.\d+\.\d+", record["version"])
