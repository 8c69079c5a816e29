"""What works where the wheel alone is installed, without any extra; run by check_wheel.sh with that Python."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import torch

LIGHT = (
    "graphlearn.nn", "graphlearn.nn.region", "graphlearn.models", "graphlearn.testing", "graphlearn.interop", "tdddft",
    "graphlearn.training.packaged", "graphlearn.training.checkpoint",
)  # fmt: skip
OPTIONAL = ("pyscf", "rdkit", "ase", "Bio", "mdtraj", "h5py", "matplotlib", "sklearn", "accelerate", "obonet")
TDDFT_COMMANDS = (
    "generate",
    "absorption",
    "status",
    "validate",
    "spectrum",
    "transitions",
    "observe",
    "density",
    "show",
)
WORK = (
    "graphlearn --help", "graphlearn models", "graphlearn datasets", "graphlearn doctor",
    "tdddft --help", *(f"tdddft {name} --help" for name in TDDFT_COMMANDS),
)  # fmt: skip
NEED = {
    "tdddft generate H2O --out set": "tdddft",
    "tdddft absorption H2O": "tdddft",
    "tdddft validate file.h5": "tdddft",
    "tdddft spectrum file.h5": "tdddft",
    "tdddft transitions H2O": "tdddft",
    "tdddft harmonics file.h5": "tdddft",
    "tdddft transient file.h5": "tdddft",
    "tdddft observe file.h5": "tdddft",
    "tdddft density file.h5": "tdddft",
    "tdddft show set": "tdddft",
    "graphlearn train orbevo/demo --data set --out run": "train",
    "graphlearn rollout H2O --weights orbevo/qm9 --out file.h5": "train",
    "graphlearn predict file.pdb --weights protein_rpn/mf --out pages": "proteins",
}


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of this installation in a folder."""
    program, *words = command.split()
    return subprocess.run(
        [sys.executable, "-m", program, *words], cwd=folder, capture_output=True, text=True, check=False
    )


def main() -> None:
    """Import every layer and model, use some, and run commands with and without what they need."""
    for name in LIGHT:
        module = import_module(name)
        for public in getattr(module, "__all__", ()) if name != "tdddft" else ("Kick", "InputError"):
            getattr(module, public)
    from graphlearn.models import HistographGNN, OrbEvo, ProteinRPN, ResponseOrbEvo

    network = HistographGNN(3, 2).eval()
    assert network(torch.randn(4, 3), torch.tensor([[0, 1, 2], [1, 2, 3]])).shape == (1, 2)
    assert all(
        sum(p.numel() for p in m.parameters()) > 1e4 for m in (OrbEvo(16, 2), ResponseOrbEvo(), ProteinRPN(30, 5))
    )
    loaded = [name for name in OPTIONAL if name in sys.modules]
    assert not loaded, f"imported with the layers: {loaded}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "file.pdb").write_text("ATOM      1  CA  ALA A   1       0.000   0.000   0.000\n")
        for command in WORK:
            done = run(command, folder)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        for command, extra in NEED.items():
            done = run(command, folder)
            assert done.returncode == 2, f"{command}\n{done.stdout}{done.stderr}"
            assert f"pip install 'graphlearn[{extra}]'" in done.stderr, f"{command}\n{done.stderr}"
            assert len(done.stderr.strip().splitlines()) == 1, f"{command}\n{done.stderr}"
    print("light installation: layers and models work, commands name the extra they need")


if __name__ == "__main__":
    main()
