"""What goes wrong in a week of generation. After each fault: nothing finished is lost, nothing is there twice, and the
set equals an undisturbed one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tdddft import read_trajectory
from tdddft.dataset.ownership import locked
from tdddft.dataset.store import DatasetFolder

COMMAND = str(Path(sys.executable).parent / "tdddft")
MOLECULES = ["H2O", "NH3", "CH4"]
IDS = {f"{name}_d0" for name in MOLECULES}
SETTINGS = ["--set", "method.grid_level=1", "--set", "method.response_grid=0", "--set", "propagation.steps=1000"]


def arguments(folder, *more):
    return [COMMAND, "generate", *MOLECULES, "--out", str(folder), *SETTINGS, "--set", "name=set", *more]


def run(command, code=0):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "set"
    run(arguments(folder, "-j", "1"))
    return folder


@pytest.fixture
def copy(undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "set")
    return tmp_path / "set"


def assert_equal(folder, undisturbed):
    files = DatasetFolder(folder).finished()
    assert set(files) == IDS
    assert {p.name for p in (folder / "trajectories").iterdir()} == {f"{i}.h5" for i in IDS}
    for name, path in files.items():
        a, b = read_trajectory(path), read_trajectory(undisturbed / "trajectories" / path.name)
        assert np.abs(a.frame_coefficients - b.frame_coefficients).max() < 1e-6, name
        assert np.abs(a.dipole_au - b.dipole_au).max() < 1e-9, name
    assert run([COMMAND, "validate", str(folder)]).count("3 of 3 valid") == 1


def start(folder, *more):
    return subprocess.Popen(
        arguments(folder, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def workers_of(process):
    """Worker processes, without multiprocessing's resource tracker."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == process.pid and b"spawn_main" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (OSError, ValueError, IndexError):
            continue
    return found


def is_running(folder):
    state = folder / "run.json"
    try:
        return bool(json.loads(state.read_text())["current"])
    except (OSError, ValueError):
        return False


def test_a_killed_worker_is_replaced_and_its_molecule_tried_again(undisturbed, tmp_path):
    folder = tmp_path / "set"
    process = start(folder, "-j", "2")
    wait_for(lambda: is_running(folder) and len(workers_of(process)) == 2, process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, said + wrong
    assert "the worker died (SIGKILL, perhaps for lack of memory)" in (folder / "log").read_text()
    assert_equal(folder, undisturbed)


def test_a_molecule_that_kills_every_worker_fails_with_a_reason(tmp_path):
    folder = tmp_path / "set"
    process = start(folder, "-j", "1", "--limit", "1")
    killed = set()
    while process.poll() is None:
        for worker in set(workers_of(process)) - killed:
            if is_running(folder):
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
        time.sleep(0.05)
    said, wrong = process.communicate()
    assert process.returncode == 1, said + wrong
    assert "its worker died twice (SIGKILL" in said + wrong
    assert len(killed) == 2
    assert DatasetFolder(folder).records()["H2O_d0"]["status"] == "failed"
    assert "1 of 1 trajectories" in run(arguments(folder, "-j", "1", "--limit", "1", "--retry", "failed"))


def test_a_killed_run_goes_on(undisturbed, tmp_path):
    folder = tmp_path / "set"
    process = start(folder, "-j", "1")
    wait_for(lambda: list(folder.glob("trajectories/*.h5")), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = {p.name: p.stat().st_mtime_ns for p in folder.glob("trajectories/*.h5")}
    said = run([COMMAND, "status", str(folder)])
    assert "of 3" in said
    assert "running" not in said
    run(arguments(folder, "-j", "1"))
    assert all((folder / "trajectories" / n).stat().st_mtime_ns == t for n, t in finished.items())
    assert_equal(folder, undisturbed)


def test_sigterm_writes_the_checkpoint_and_says_resumable(undisturbed, tmp_path):
    folder = tmp_path / "set"
    process = start(folder, "-j", "1", "--checkpoint-seconds", "0")
    wait_for(lambda: list(folder.glob("unfinished/*.h5")), process)
    process.send_signal(signal.SIGTERM)
    said, wrong = process.communicate(timeout=60)
    assert process.returncode == 75, said + wrong
    assert "run the same command again to continue" in wrong
    assert not (folder / "run.json").exists()
    assert len(list(folder.glob("unfinished/*.h5"))) == 1
    assert len(list(folder.glob("trajectories/*.h5"))) < 3
    run(arguments(folder, "-j", "1"))
    assert list(folder.glob("unfinished/*.h5")) == []
    assert_equal(folder, undisturbed)


def test_a_full_disk_stops_the_run_and_loses_nothing(undisturbed, tmp_path):
    """On a small tmpfs of its own; once it is made larger, the same command goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    generate = " ".join(f"'{a}'" for a in arguments(disk / "set", "-j", "1"))
    size = sum(p.stat().st_size for p in (undisturbed / "trajectories").iterdir()) // 2
    script = f"""
    mount -t tmpfs -o size={size} none {disk} || exit 99
    {generate}; echo "first: $?"
    ls {disk}/set/trajectories
    mount -o remount,size=100m {disk}
    {generate}; echo "second: $?"
    {COMMAND} validate {disk}/set
    cp -r {disk}/set {tmp_path}/copy
    """
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode != 0 and ("99" in str(done.returncode) or "unshare" in done.stderr):
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    said = done.stdout + done.stderr
    assert "first: 3" in said, said
    assert "disk is full" in said
    assert "second: 0" in said, said
    assert "Traceback" not in said
    assert_equal(tmp_path / "copy", undisturbed)


def test_a_molecule_too_large_for_memory_is_refused_by_name(tmp_path):
    folder = tmp_path / "set"
    command = [COMMAND, "generate", "H2", "C6H6", "--out", str(folder), *SETTINGS[:4], "--set", "propagation.steps=20"]
    said = run([*command, "-j", "1", "--memory-gb", "0.6"], code=1)
    assert "C6H6 needs about" in said
    assert "a worker has 0.6 GB" in said
    assert set(DatasetFolder(folder).finished()) == {"H2_d0"}
    assert "1 failed" in run([*command, "-j", "1"], code=1)  # failures stay until they are asked for
    assert "2 of 2 trajectories" in run([*command, "-j", "1", "--retry", "failed"])


@pytest.mark.parametrize("damage", ["truncated", "changed", "gone"])
def test_damaged_files_are_found_and_repaired(copy, undisturbed, damage):
    path = copy / "trajectories/NH3_d0.h5"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        middle = len(whole) // 2
        path.write_bytes(
            whole[:middle] if damage == "truncated" else whole[:middle] + b"\xff" * 64 + whole[middle + 64 :]
        )
    said = run([COMMAND, "validate", str(copy)], code=1)
    assert "FAIL NH3_d0" in said
    assert "2 of 3 valid" in said
    assert "3 of 3 valid" in run([COMMAND, "validate", str(copy), "--repair"])
    assert_equal(copy, undisturbed)


def test_a_lost_index_is_rebuilt_from_the_files(copy, undisturbed):
    before = DatasetFolder(copy).records()
    (copy / "index.jsonl").unlink()
    times = {p.name: p.stat().st_mtime_ns for p in (copy / "trajectories").iterdir()}
    assert "3 more files are not in the index" in run([COMMAND, "validate", str(copy)], code=1)
    run([COMMAND, "validate", str(copy), "--repair"])
    after = DatasetFolder(copy).records()
    assert {p.name: p.stat().st_mtime_ns for p in (copy / "trajectories").iterdir()} == times
    for name, record in before.items():
        assert {k: v for k, v in record.items() if k != "finished_at"} == {
            k: v for k, v in after[name].items() if k != "finished_at"
        }
    assert_equal(copy, undisturbed)


def test_shards_share_a_folder_and_two_runs_of_one_shard_do_not(undisturbed, tmp_path):
    folder = tmp_path / "set"
    shards = [start(folder, "-j", "1", "--shard", f"{i}/2") for i in (1, 2)]
    for process in shards:
        said, wrong = process.communicate(timeout=300)
        assert process.returncode == 0, said + wrong
    assert {p.name for p in folder.glob("index*")} == {"index-1of2.jsonl", "index-2of2.jsonl"}
    assert_equal(folder, undisturbed)
    whole = DatasetFolder(folder)
    recipe, table = whole.recipe(), whole.selection.read_text()
    with locked(DatasetFolder(folder, (1, 2)), recipe, table):
        assert "another run is generating" in run(arguments(folder, "--shard", "1/2"), code=2)
        assert "another run is generating" in run(arguments(folder, "--shard", "1/3"), code=2)
        assert "another run is generating" in run(arguments(folder), code=2)
        run(arguments(folder, "--shard", "2/2"))


def test_a_local_cluster_gives_the_same_set_and_goes_on_after_a_kill(undisturbed, tmp_path):
    pytest.importorskip("parsl")
    folder, config = tmp_path / "set", tmp_path / "cluster.yaml"
    config.write_text("provider: local\nworkers_per_node: 2\norphan_seconds: 4\n")
    process = subprocess.Popen(
        arguments(folder, "--cluster", str(config)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: list(folder.glob("trajectories/*.h5")), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 60
    while processes_of(folder) and time.monotonic() < end:
        time.sleep(0.2)
    assert processes_of(folder) == []
    run(arguments(folder, "--cluster", str(config)))
    assert processes_of(folder) == []
    assert_equal(folder, undisturbed)


def processes_of(folder):
    """Command lines that name the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found
