"""Configuration of clusters, and the guard; generation on a local cluster is in test_faults."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from graphlearn.base.recipes.reading import load_recipe, parse_recipe
from graphlearn.base.workers.cluster import Cluster, parsl_config
from tdddft import InputError


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"provider": "local"}, {}),
        ({"provider": "slurm", "nodes_per_block": 2}, {"partition": "cpu", "account": "chem"}),
        ({"provider": "pbs", "walltime": "12:00:00"}, {"queue": "long", "cpus_per_node": 64}),
    ],
)
def test_providers_get_what_the_file_says(tmp_path, settings, options):
    pytest.importorskip("parsl")
    cluster = parse_recipe({**settings, "max_blocks": 3, "workers_per_node": 5, "options": options}, Cluster)
    assert cluster.workers == 5 * 3 * cluster.nodes_per_block
    (executor,) = parsl_config(cluster, tmp_path / "run.json").executors
    assert executor.max_workers_per_node == 5
    assert executor.provider.max_blocks == 3
    assert executor.provider.nodes_per_block == cluster.nodes_per_block
    assert "export OMP_NUM_THREADS=1" in executor.provider.worker_init
    for name, value in options.items():
        assert getattr(executor.provider, name) == value
    assert "graphlearn.base.workers.orphan_guard" in executor.launch_cmd
    if "walltime" in settings:
        assert executor.provider.walltime == "12:00:00"


def test_bad_files_are_named(tmp_path):
    pytest.importorskip("parsl")
    (tmp_path / "c.yaml").write_text("provider: slurn\n")
    with pytest.raises(InputError, match="provider"):
        load_recipe(tmp_path / "c.yaml", Cluster)
    with pytest.raises(InputError, match="slurm does not take these options"):
        parsl_config(Cluster(provider="slurm", options={"partitoin": "cpu"}), tmp_path / "run.json")


def start_guard(run_file, seconds, command):
    return subprocess.Popen(
        [sys.executable, "-m", "graphlearn.base.workers.orphan_guard", str(run_file), str(seconds), *command]
    )


def test_the_guard_passes_on_the_exit_code(tmp_path):
    (tmp_path / "run.json").touch()
    assert start_guard(tmp_path / "run.json", 30, ["sh", "-c", "exit 7"]).wait(30) == 7


@pytest.mark.parametrize("end", ["removed", "untouched", "terminated"])
def test_the_guard_ends_everything_when_the_run_is_gone(tmp_path, end):
    run_file, alive = tmp_path / "run.json", tmp_path / "alive"
    run_file.touch()
    beat = f"sh -c 'while true; do touch {alive}; sleep 0.1; done' & wait"
    process = start_guard(run_file, 3, ["sh", "-c", beat])
    stop = time.monotonic() + 5
    while time.monotonic() < stop:
        run_file.touch()
        time.sleep(0.2)
    assert process.poll() is None
    assert alive.exists()
    if end == "removed":
        run_file.unlink()
    elif end == "terminated":
        process.terminate()
    process.wait(30)
    stop = time.monotonic() + 30
    while named_in_a_command(str(alive)) and time.monotonic() < stop:
        time.sleep(0.05)
    assert not named_in_a_command(str(alive))


def named_in_a_command(text):
    """Whether a process runs whose command line holds the text."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if text in file.read_bytes().decode(errors="replace"):
                return True
    return False
