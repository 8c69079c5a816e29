"""Damaged, foreign and hostile HDF5 files: one line that names the file, in time, and nothing outside is read."""

import json
import os
import time

import h5py
import numpy as np
import pytest
from terminal import command

from graphlearn.base.hdf5 import open_hdf5
from graphlearn.base.hdf5_examination import refusals
from tdddft import ContractError, read_trajectory, write_trajectory
from tdddft.trajectory import ARRAYS
from tdddft.trajectory.validation import validate

GROUPS = ("molecule", "method", "ground_state", "field", "provenance")


def replaced(name, make):
    """A change of an open file: an array replaced by what ``make(old array)`` gives."""

    def change(file):
        old = file[name][()]
        del file[name]
        new = make(old)
        if new is not None:
            file[name] = new

    return change


def set_attribute(node, name, value):
    def change(file):
        file[node].attrs[name] = value

    return change


def info(group, **changes):
    def change(file):
        known = json.loads(file[group].attrs["info"])
        file[group].attrs["info"] = json.dumps({**known, **changes})

    return change


def number(name, value, place=0):
    def change(file):
        array = file[name][()]
        array.flat[place] = value
        file[name][...] = array

    return change


def group_instead(name):
    def change(file):
        del file[name]
        file.create_group(name)

    return change


def other_kind(array):
    return array.real.astype(np.int64) if array.dtype.kind in "fc" else array.astype(np.float64)


def damages():
    """Changes by name, one kind of damage per array, attribute and number."""
    found = {}
    for stored in (a for a in ARRAYS.values() if not a.only):
        n = stored.path
        found |= {
            f"{n} missing": replaced(n, lambda a: None),
            f"{n} scalar": replaced(n, lambda a: a.flat[0]),
            f"{n} empty": replaced(n, lambda a: h5py.Empty(a.dtype)),
            f"{n} without rows": replaced(n, lambda a: a[:0]),
            f"{n} of one row more": replaced(n, lambda a: np.concatenate([a, a[:1]])),
            f"{n} with one axis more": replaced(n, lambda a: a[None]),
            f"{n} of texts": replaced(n, lambda a: np.full(a.shape, b"H")),
            f"{n} of another kind": replaced(n, other_kind),
            f"{n} of pairs": replaced(n, lambda a: np.zeros(a.shape, [("a", "i4"), ("b", "i4")])),
            f"{n} a group": group_instead(n),
        }
        if stored.kind != "integer":
            found[f"{n} NaN"] = number(n, np.nan)
            found[f"{n} infinite"] = number(n, np.inf, -1)
    for group in GROUPS:
        for label, value in (
            ("a number", 7), ("an array", [1, 2]), ("bytes", np.void(b"\xff\xfe")), ("broken", '{"a": '),
            ("a list", "[]"), ("null", "null"), ("deep", "[" * 100_000),
        ):  # fmt: skip
            found[f"info of {group} {label}"] = set_attribute(group, "info", value)
    for label, value in (("text", "1"), ("real", 1.5), ("array", [1, 1]), ("seven", 7), ("true", True)):
        found[f"schema version {label}"] = set_attribute("/", "schema_version", value)
    for label, value in (("number", 3), ("other", "guessed"), ("array", ["simulated"])):
        found[f"kind {label}"] = set_attribute("/", "kind", value)
    for label, value in (("number", 3), ("array", ["tdddft-trajectory"])):
        found[f"format {label}"] = set_attribute("/", "format", value)
    for label, value in (("zero", 0), ("negative", -1), ("large", 200), ("huge", 2**62)):
        found[f"atomic number {label}"] = number("molecule/numbers", value)
    rows = ((2, 0, 0, 0), (-1, 0, 0, 0), (0, -1, 0, 0), (0, 50, 0, 0), (0, 0, -1, 0), (0, 0, 0, 1), (1, 0, 0, 0))
    for row in rows:
        found[f"orbital {row}"] = lambda file, row=row: file["basis/ao_table"].__setitem__(0, row)
    found |= {
        "name a number": info("molecule", name=3), "name with control characters": info("molecule", name="a\x1b[2J"),
        "charge a text": info("molecule", charge="0"), "charge 0.9": info("molecule", charge=0.9),
        "nuclear dipole missing": info("ground_state", nuclear_dipole_au=None),
        "nuclear dipole of texts": info("ground_state", nuclear_dipole_au=["a", "b", "c"]),
        "nuclear dipole NaN": info("ground_state", nuclear_dipole_au=[0, 0, float("nan")]),
        "one ion charge": info("ground_state", ion_charges=[1]),
        "unknown field": info("field", kind="storm"), "field a list": info("field", kind=["kick"]),
        "field without sense": info("field", kind="gaussian_pulses", direction="up"),
    }  # fmt: skip
    return found


DAMAGES = damages()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, small_trajectory):
    return write_trajectory(tmp_path_factory.mktemp("whole") / "whole.h5", small_trajectory).read_bytes()


@pytest.fixture
def path(whole, tmp_path):
    (tmp_path / "t.h5").write_bytes(whole)
    return tmp_path / "t.h5"


def assert_refused(path, says=""):
    with pytest.raises(ContractError) as error:
        read_trajectory(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert text.isprintable()
    assert says in text


def test_the_small_trajectory_is_true_to_the_contract(path):
    assert [v for v in validate(read_trajectory(path)) if v.passed is False] == []


def test_there_are_two_hundred_kinds_of_damage():
    assert len(DAMAGES) > 250


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_one_line_and_exit_code_two(path, capsys, damage):
    with h5py.File(path, "r+") as file:
        DAMAGES[damage](file)
    assert_refused(path)
    code, printed, said = command(capsys, "observe", path)
    assert (code, printed) == (2, "")
    assert said.count("\n") == 1
    assert said.startswith(f"error: {path}: ")


@pytest.mark.parametrize("damage", ["molecule/numbers of texts", "schema version text", "orbital (2, 0, 0, 0)"])
@pytest.mark.parametrize("name", ["validate", "show", "observe", "spectrum", "density"])
def test_every_command_that_reads_a_trajectory_refuses_it(path, capsys, monkeypatch, name, damage):
    monkeypatch.chdir(path.parent)
    with h5py.File(path, "r+") as file:
        DAMAGES[damage](file)
    code, printed, said = command(capsys, name, path)
    assert (code, printed, said.count("\n")) == (2, "", 1)
    assert [p.name for p in path.parent.iterdir()] == ["t.h5"]


def test_numbers_that_are_not_finite_are_a_broken_rule_where_files_are_judged(path, capsys):
    with h5py.File(path, "r+") as file:
        number("molecule/positions_angstrom", np.nan)(file)
    code, printed, _ = command(capsys, "validate", path)
    assert code == 1
    assert "FAIL finite numbers           1 NaN or infinite values in positions_angstrom" in printed


def outside(folder):
    """Two files that must not be opened: pipes into which nobody writes, so that whoever opens one waits for ever."""
    for name in ("secret.h5", "secret.bin"):
        os.mkfifo(folder / name)


def external_link(file, folder):
    del file["field/field_au"]
    file["field/field_au"] = h5py.ExternalLink(str(folder / "secret.h5"), "/x")


def external_group(file, folder):
    file["more"] = h5py.ExternalLink(str(folder / "secret.h5"), "/")


def soft_link_through_an_external_one(file, folder):
    file["zz"] = h5py.ExternalLink(str(folder / "secret.h5"), "/")
    del file["field/field_au"]
    file["field/field_au"] = h5py.SoftLink("/zz/x")


def soft_link_to_nothing(file, folder):
    del file["field/field_au"]
    file["field/field_au"] = h5py.SoftLink("/zz/x")


def soft_link_to_itself(file, folder):
    del file["field/field_au"]
    file["field/field_au"] = h5py.SoftLink("/field/field_au")


def external_storage(file, folder):
    del file["field/field_au"]
    file.create_dataset("field/field_au", (41, 3), "f8", external=[(str(folder / "secret.bin"), 0, h5py.h5f.UNLIMITED)])


def virtual(file, folder):
    layout = h5py.VirtualLayout((41, 3), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "x", shape=(41, 3))
    del file["field/field_au"]
    file.create_virtual_dataset("field/field_au", layout)


def references(file, folder):
    file.create_dataset("notes", data=[file.ref], dtype=h5py.ref_dtype)


def region_references(file, folder):
    file.create_dataset("notes", data=[file["frames/times_fs"].regionref[:2]], dtype=h5py.regionref_dtype)


def reference_in_an_attribute(file, folder):
    file["frames"].attrs["see"] = file["molecule"].ref


def reference_in_a_compound(file, folder):
    file.create_dataset("notes", (2,), dtype=[("a", "f8"), ("b", h5py.ref_dtype)])


def variable_length(file, folder):
    file.create_dataset("notes", (2,), dtype=h5py.vlen_dtype(np.float64))


def variable_texts(file, folder):
    file.create_dataset("notes", data=["a"], dtype=h5py.string_dtype())


def opaque(file, folder):
    file.create_dataset("notes", data=np.array([np.void(b"abc")]))


def named_type(file, folder):
    file["kinds"] = np.dtype("f8")


def plug_in_filter(file, folder):
    """Filter 32015 is not there: it is put into the list, and nothing is written."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((41, 3))
    plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_INCR)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    del file["field/field_au"]
    h5py.h5d.create(
        file["field"].id, b"field_au", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((41, 3)), dcpl=plan
    )  # fmt: skip


def bomb(file, folder):
    """Zeros, a thousand times smaller when packed."""
    del file["field/field_au"]
    file.create_dataset("field/field_au", (50_000_000, 3), "f8", chunks=(1_000_000, 3), compression="gzip")
    file["field/field_au"][:1] = 1.0


def declared_only(file, folder):
    del file["field/field_au"]
    file.create_dataset("field/field_au", (2**40, 3), "f8", chunks=(1000, 3))


def one_chunk_bomb(file, folder):
    """An array of few numbers in a chunk of many."""
    del file["field/field_au"]
    file.create_dataset("field/field_au", (41, 3), "f8", chunks=(30_000_000, 3), maxshape=(None, 3), compression="lzf")


def many_objects(file, folder):
    for i in range(10_001):
        file.create_group(f"g{i}")


HOSTILE = {
    external_link: "external link", external_group: "external link", external_storage: "external storage",
    soft_link_through_an_external_one: "external link", soft_link_to_nothing: "soft link that leaves the file",
    soft_link_to_itself: "soft link that leaves the file", virtual: "virtual data set",
    references: "/notes holds references", region_references: "/notes holds references",
    reference_in_an_attribute: "attribute 'see' of /frames holds references",
    reference_in_a_compound: "/notes holds references", variable_length: "/notes holds arrays of variable length",
    variable_texts: "/notes holds texts of variable length", opaque: "/notes holds opaque objects",
    named_type: "/kinds is a named type", plug_in_filter: "filter 32015", bomb: "GRAPHLEARN_MAX_UNPACKED_MB",
    declared_only: "GRAPHLEARN_MAX_UNPACKED_MB", one_chunk_bomb: "GRAPHLEARN_MAX_UNPACKED_MB",
    many_objects: "more than 10000 objects",
}  # fmt: skip


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_what_leaves_the_file_or_runs_code_is_refused_by_name(path, tmp_path, make):
    outside(tmp_path)
    with h5py.File(path, "r+") as file:
        make(file, tmp_path)
    start = time.monotonic()
    assert_refused(path, HOSTILE[make])
    assert time.monotonic() - start < 5
    with pytest.raises(ContractError, match=r"t\.h5: "), open_hdf5(path):
        pass


def test_the_bound_can_be_raised_by_name(path, monkeypatch):
    with h5py.File(path, "r+") as file:
        array = np.zeros((1_000_000, 2))
        file.create_dataset("more", data=array, compression="gzip", chunks=(10_000, 2))
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "8")
    assert_refused(path, "/more: holds more than 8 MB when unpacked")
    monkeypatch.setenv("GRAPHLEARN_MAX_UNPACKED_MB", "32")
    read_trajectory(path)


def test_packed_arrays_and_links_inside_the_file_are_read(path, small_trajectory):
    with h5py.File(path, "r+") as file:
        del file["frames/coefficients"]
        packed = {"compression": "gzip", "shuffle": True, "fletcher32": True, "chunks": (2, 1, 2)}
        file.create_dataset("frames/coefficients", data=small_trajectory.frame_coefficients, **packed)
        file["field/spare"] = file["field/times_fs"]
        del file["field/times_fs"]
        file["field/times_fs"] = h5py.SoftLink("/field/spare")
    again = read_trajectory(path)
    assert np.array_equal(again.frame_coefficients, small_trajectory.frame_coefficients)
    assert np.array_equal(again.field_times_fs, small_trajectory.field_times_fs)


def test_the_byte_order_of_another_machine_is_read(path, small_trajectory):
    with h5py.File(path, "r+") as file:
        del file["frames/dipole_au"]
        file["frames/dipole_au"] = small_trajectory.dipole_au.astype(">f8")
    again = read_trajectory(path).dipole_au
    assert again.dtype == np.dtype("f8")
    assert again.dtype.isnative
    assert np.array_equal(again, small_trajectory.dipole_au)


def test_a_file_in_which_hdf5_runs_in_circles_ends_in_time(path):
    """One byte of the heap that holds the texts: an object of no length, which HDF5 passes again and again."""
    found = []
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL")
    for place in range(start, start + 100):
        for value in (8, 0):
            changed = content.copy()
            changed[place] = value
            path.write_bytes(changed)
            (reason,) = refusals([path])
            found.append(reason)
            if "takes too long" in reason:
                assert_refused(path, "takes too long")
                return
    raise AssertionError(set(found))
