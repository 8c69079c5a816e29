"""The plan of a run, and the device and the stop request that go out with its jobs."""

import json

import pytest
from terminal import command

from graphlearn.base.recipes.reading import parse_recipe
from tdddft import GenerateRecipe, InputError, generate
from tdddft.dataset.ownership import locked
from tdddft.dataset.plan import collect_molecules, plan
from tdddft.dataset.progress import RunState, ToldToStop
from tdddft.dataset.run import Run
from tdddft.dataset.store import DatasetFolder
from tdddft.dataset.worker import make_jobs, run_job
from tdddft.molecules.selection import fingerprint, selection_table

DATA = {
    "name": "small", "molecules": ["g2:H2", "g2:HF", "g2:H2O"], "method": {"grid_level": 0, "response_grid": 0},
    "field": {"directions": [[0, 0, 1], [1, 0, 0]]}, "propagation": {"steps": 10, "save_every": 5},
}  # fmt: skip


@pytest.fixture(scope="module")
def recipe():
    return parse_recipe(DATA, GenerateRecipe)


@pytest.fixture
def run(recipe, tmp_path):
    made, folder = plan(recipe, limit=1), DatasetFolder(tmp_path / "set")
    with locked(folder, recipe, made.selection):
        yield Run(made, folder, (), retry_failed=False, on_record=None)


def test_a_plan_knows_molecules_ids_fingerprints_and_the_table_of_all(recipe):
    made = plan(recipe, limit=2, shard=(2, 2))
    everything = collect_molecules(recipe)
    assert [m.name for m in made.chosen] == ["HF"]
    assert made.ids == ["HF_d0", "HF_d1"]
    assert made.fingerprints == dict.fromkeys(made.ids, fingerprint(everything[1]))
    assert made.selection == selection_table(everything)


def test_a_restricted_plan_costs_and_queues_its_own_trajectories_alone(recipe, tmp_path):
    whole = plan(recipe)
    part = whole.only({"HF_d1", "H2O_d0", "H2O_d1", "not there"})
    assert part.ids == ["HF_d1", "H2O_d0", "H2O_d1"]
    jobs = make_jobs(part, part.ids, DatasetFolder(tmp_path))
    assert [sorted(job.fields) for job in jobs] == [["H2O_d0", "H2O_d1"], ["HF_d1"]]  # the longest first
    assert sum(job.cost for job in jobs) == part.cost < whole.cost


@pytest.mark.parametrize("arguments", [["generate"], ["validate", "--repair"]])
def test_a_command_reads_the_molecules_once(tmp_path, capsys, monkeypatch, arguments):
    import tdddft.molecules.sources

    read, calls = tdddft.molecules.sources.read_molecules, []
    file = tmp_path / "r.yaml"
    file.write_text(json.dumps({**DATA, "molecules": ["g2:H2"]}))
    assert command(capsys, "generate", file, "--out", tmp_path / "set", "-j", 1)[0] == 0
    (tmp_path / "set/trajectories/H2_d0.h5").unlink()
    monkeypatch.setattr(tdddft.molecules.sources, "read_molecules", lambda *a: [calls.append(a), read(*a)][1])
    more = [file, "--out", tmp_path / "set"] if arguments == ["generate"] else [tmp_path / "set"]
    assert command(capsys, arguments[0], *more, *arguments[1:], "-j", 1)[0] == 0
    assert len(calls) == 1


@pytest.mark.parametrize("device", ["gpu", "cuda:999"])
def test_a_device_that_cannot_be_used_is_refused_and_nothing_is_written(tmp_path, capsys, device):
    code, out, err = command(capsys, "generate", "g2:H2", "--out", tmp_path / "set", "--device", device)
    assert (code, out) == (2, "")
    assert f"device '{device}'" in err
    assert not (tmp_path / "set").exists()
    with pytest.raises(InputError, match="device"):
        generate(parse_recipe(DATA, GenerateRecipe), tmp_path / "set", device=device)


def test_commands_that_do_not_propagate_take_no_device(tmp_path, capsys):
    for name in ("validate", "spectrum", "status", "show", "observe", "density"):
        code, _, err = command(capsys, name, tmp_path, "--device", "cpu")
        assert code == 2
        assert "--device" in err


def test_a_worker_propagates_on_the_device_of_its_job(run, monkeypatch):
    import tdddft.electronic.hamiltonian as module

    devices = []

    def refuse(state, device):
        devices.append(str(device))
        raise InputError("seen")

    monkeypatch.setattr(module, "Hamiltonian", refuse)
    monkeypatch.setattr("tdddft.dataset.worker.find_device", lambda name: f"found {name}")

    class Here:
        """Runs jobs in this process."""

        def add(self, item):
            self.records = list(run_job(item, lambda: False))

        def outcomes(self):
            yield from ()

    here = Here()
    run.work(here, None, None, "cuda:1")
    assert devices == ["found cuda:1"]
    assert [r["error"] for r in here.records] == ["InputError: seen"] * 2


def test_jobs_elsewhere_are_told_to_stop_and_stay_told_while_others_finish(run):
    folder = run.folder
    with run.on_workers(2):
        assert not ToldToStop(folder.run_file, run.state.run_id)()
        assert ToldToStop(folder.run_file, "another run")()
        run.ask_to_stop()
        run.state.write(folder.run_file)
        assert ToldToStop(folder.run_file, run.state.run_id)()
    assert not folder.run_file.exists()


def test_a_new_state_asks_nobody_to_stop(tmp_path):
    state = RunState(1, 1.0)
    state.write(tmp_path / "run.json")
    assert not ToldToStop(tmp_path / "run.json", state.run_id)()


def test_unknown_options_are_named(recipe, tmp_path):
    with pytest.raises(TypeError, match="unexpected keyword retry"):
        generate(recipe, tmp_path / "set", retry="failed")
