import os
import subprocess
import sys

HEAVY = ("pyscf", "rdkit", "matplotlib", "e3nn", "Bio", "ase", "h5py", "accelerate")


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_layers_is_light():
    """Less than a second beyond torch and PyG, and none of the heavy packages."""
    code = (
        "import sys, time, torch, torch_geometric, torch_geometric.utils\n"
        "t = time.perf_counter()\nimport graphlearn.nn\nprint(time.perf_counter() - t)\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    seconds, loaded = run(code).splitlines()
    assert loaded == "[]"
    assert float(seconds) < 1.0


def test_learning_from_files_needs_no_quantum_chemistry(tmp_path):
    """GPU machines often lack PySCF, RDKit, ASE and Biopython: training, rollout and evaluation import without them."""
    blocked = ("pyscf", "rdkit", "ase", "Bio")
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {blocked!r}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import graphlearn.orbitals.task, graphlearn.orbitals.evaluate, graphlearn.datasets, tdddft.trajectory\n"
        "import tdddft.trajectory.validation, tdddft.analysis.spectrum\n"
        "import graphlearn.proteins.metrics.terms, graphlearn.proteins.prediction.homology\n"
        f"print([m for m in {blocked!r} if m in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_importing_the_simulator_is_lazy():
    assert run("import sys, tdddft; print('pyscf' in sys.modules, tdddft.Molecule.__name__)").split() == [
        "False",
        "Molecule",
    ]
