"""Small tests of each part, a second or two each; a test returns what it found and raises where it fails."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from graphlearn.proteins import ProteinChain

Test = Callable[[], str]
ROUNDING = 1e-5
PHYSICAL = [2, 0, 1]  # (x, y, z) out of e3nn's (y, z, x), the axes of orbitals


def device() -> str:
    """What torch computes on, tried by a product of matrices."""
    import torch

    if torch.cuda.is_available():
        name, where = f"CUDA {torch.version.cuda}, {torch.cuda.get_device_name()}", "cuda"
    elif torch.backends.mps.is_available():
        name, where = "MPS", "mps"
    else:
        name, where = "CPU", "cpu"
    ones = torch.ones(64, 64, device=where)
    _hold(bool((ones @ ones == 64).all()), "a product of matrices is wrong")
    return f"torch {torch.__version__} on {name}"


def files() -> str:
    """HDF5: a trajectory of numbers written, moved into place and read again."""
    import h5py
    import numpy as np

    from graphlearn.base.files import replace_hdf5

    numbers = np.arange(6.0).reshape(2, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.h5"
        replace_hdf5(path, lambda file: file.__setitem__("numbers", numbers))
        with h5py.File(str(path), "r") as file:
            _hold(bool((file["numbers"][()] == numbers).all()), "the numbers changed on the way")
    library: str = h5py.version.hdf5_version  # type: ignore[attr-defined]
    return f"h5py {version('h5py')}, HDF5 {library}"


def simulation() -> str:
    """Ground state of H2 and 20 steps after a kick, which must leave the orbitals orthonormal."""
    import pyscf

    import tdddft

    method = tdddft.Method(functional="LDA", basis="sto-3g", pseudopotential=None, grid_level=0, response_grid=0)
    state = tdddft.ground_state("g2:H2", method)
    trajectory = tdddft.propagate(state, tdddft.Kick(1e-3, (0, 0, 1)), steps=20, dt_fs=0.01)
    error = float(trajectory.norm_error.max())
    _hold(error < 1e-6, f"the orbitals are not orthonormal after 20 steps, by {error:.0e}")
    _hold(abs(float(trajectory.dipole_au[-1, 2])) > 0.0, "a kick along z moves no charge")
    return f"PySCF {pyscf.__version__}: H2 at {state.energy_hartree:.4f} hartree, {_threads(pyscf.lib.num_threads())}"


def orbevo() -> str:
    """A small OrbEvo on random orbitals: turned with molecule and field, the output must turn."""
    import torch

    from graphlearn.testing import assert_equivariant

    predict, inputs = _orbevo_of_vectors()
    errors = assert_equivariant(
        predict, inputs, ["position", "vector", "degrees", "degrees"], "degrees", rotations=1,
        tolerance={torch.float64: 1e-10},
    )  # fmt: skip
    return f"output turns with the molecule to {errors[torch.float64]:.0e}"


def readout() -> str:
    """HISTOGRAPH: a graph's vector must not depend on the other graphs of its batch."""
    import torch
    from torch_geometric.data import Data

    from graphlearn.nn import HistoryReadout
    from graphlearn.testing import assert_batch_independent

    torch.manual_seed(0)
    layer = HistoryReadout(8).eval()
    no_edges = torch.empty(2, 0, dtype=torch.long)
    graphs = [Data(x=torch.randn(n, 3, 8), edge_index=no_edges) for n in (3, 1, 5)]
    error = assert_batch_independent(lambda d: layer(list(d.x.unbind(1)), d.batch), graphs, tolerance=ROUNDING)
    return f"independent of the batch to {error:.0e}"


def proteins() -> str:
    """ProteinRPN on an ideal helix: finite, and the same in a batch."""
    from graphlearn.models import ProteinRPN
    from graphlearn.proteins import NUM_FEATURES, contact_graph
    from graphlearn.testing import assert_batch_independent

    model = ProteinRPN(NUM_FEATURES, 4, channels=16, hidden=8, heads=2).eval()
    graphs = [contact_graph(_helix(length)) for length in (24, 11)]
    for graph in graphs:
        _hold(bool(model(graph).logits.isfinite().all()), "a helix gets terms that are not finite")
    error = assert_batch_independent(lambda d: model(d).logits, graphs, tolerance=ROUNDING)
    return f"a helix of 24 residues; independent of the batch to {error:.0e}"


def weights() -> str:
    """Weights written as safetensors and read again must be the same, bit for bit."""
    import torch

    from graphlearn.models import HistographGNN
    from graphlearn.training.checkpoint import load_model, save_model

    model = HistographGNN(3, 2, channels=8, num_layers=2).eval()
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), model, {})
        read, _ = load_model(folder, HistographGNN)
    pairs = zip(model.state_dict().values(), read.state_dict().values(), strict=True)
    _hold(all(torch.equal(a, b) for a, b in pairs), "the weights changed on the way")
    return f"{sum(p.numel() for p in model.parameters()):,} parameters, the same after safetensors"


# By worker process: the name of a test, the test, and the package to install again where it fails.
TESTS: Mapping[str, Mapping[str, tuple[Test, str]]] = {
    "learning": {
        "torch": (device, "torch"),
        "HISTOGRAPH": (readout, "torch-geometric"),
        "OrbEvo": (orbevo, "e3nn"),
        "ProteinRPN": (proteins, "torch-geometric"),
        "weights": (weights, "safetensors"),
    },
    "simulation": {"HDF5": (files, "h5py"), "real-time TDDFT": (simulation, "pyscf")},
}


def _orbevo_of_vectors() -> tuple[Callable[..., torch.Tensor], list[torch.Tensor]]:
    """OrbEvo as a function of positions, direction of the field, orbitals and history, and random values of them."""
    import torch

    from graphlearn.models import OrbEvo

    generator = torch.Generator().manual_seed(0)
    atoms, states, frames, radial = 3, 2, 2, 2
    torch.manual_seed(0)
    model = OrbEvo(
        channels=8, heads=2, alpha_channels=4, num_density_blocks=1, num_blocks=1, density_lmax=2, num_radial=8,
        num_frames=frames, field_samples=8, shells=(radial, radial, radial), average_degree=2.0,
    )  # fmt: skip
    model = model.double().eval()

    def predict(
        positions: torch.Tensor, direction: torch.Tensor, c0: torch.Tensor, delta: torch.Tensor
    ) -> torch.Tensor:
        batch = SimpleNamespace(
            numbers=torch.tensor([8, 1, 1]), positions_angstrom=positions[:, PHYSICAL],
            edge_index=torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]]),
            batch=torch.zeros(atoms, dtype=torch.long), c0=c0, delta=delta.unflatten(-1, (radial, frames, 2)),
            slot_mask=torch.ones(atoms, 9, radial, dtype=torch.bool), occupations=positions.new_full((1, states), 2.0),
            field_strength=torch.linspace(-1, 1, 8, dtype=positions.dtype)[None],
            field_direction=direction[:, PHYSICAL], states=None, modes=None,
        )  # fmt: skip
        with torch.no_grad():
            return model(batch).flatten(-3)

    shapes = (atoms, 3), (1, 3), (atoms, states, 9, radial), (atoms, states, 9, radial * frames * 2)
    positions, direction, c0, delta = (torch.randn(*shape, generator=generator) for shape in shapes)
    return predict, [positions, direction / direction.norm(), c0, delta]


def _helix(length: int) -> ProteinChain:
    """An ideal helix of alanine."""
    import numpy as np

    from graphlearn.proteins import ProteinChain

    step = np.arange(length)
    turn = np.radians(100.0) * step
    positions = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * step], axis=1)
    ids = tuple(f"A:{i + 1}" for i in step)
    return ProteinChain("helix-A", "A" * length, positions, ids, "H" * length, "given", np.full(length, 0.5))


def _threads(pyscf_threads: int) -> str:
    """Threads of PySCF and of the BLAS libraries in this process; more than one of each would compete."""
    from threadpoolctl import threadpool_info

    blas = {f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info() if pool["user_api"] == "blas"}
    return f"{pyscf_threads} thread a worker, BLAS {', '.join(sorted(blas))}"


def _hold(condition: bool, otherwise: str) -> None:
    if not condition:
        raise RuntimeError(otherwise)
