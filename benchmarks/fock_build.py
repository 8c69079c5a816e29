"""Where the time of a Fock build goes, how it grows with the basis, and how close it comes to the machine's GEMM rate.

    OMP_NUM_THREADS=1 python benchmarks/fock_build.py --out OUT.json

Malonaldehyde, PBE, density fitting, coarse response grid, one thread; median of repetitions. GEMM rates count the two
matrix products of the exchange-correlation part alone, over the time of the whole part: density, functional and matrix.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from graphlearn.base.tables import Table
from tdddft import GaussianPulses, Hamiltonian, Method, ground_state, read_molecules
from tdddft.propagation.schemes import Multirate
from tdddft.propagation.schemes.multirate import propagate_substeps
from tdddft.propagation.schemes.state import initial_state
from tdddft.units import AU_TIME_FS

GTH = "gth-pbe"
BASES = [
    ("sto-3g", None),
    ("gth-szv", GTH),
    ("6-31g*", None),
    ("gth-dzvp", GTH),
    ("def2-svp", None),
    ("def2-tzvp", None),
]
WINDOW_AU, SUBSTEPS = 2.0, 4


def milliseconds(function: Callable[[], object], repeats: int = 15) -> float:
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return 1e3 * median(times)


def gemm_rate(precision: str) -> float:
    """GFlop/s of a square product of 1,500."""
    a = torch.rand(1500, 1500, dtype=getattr(torch, precision))
    return 2 * 1500**3 / milliseconds(lambda: a @ a, 5) / 1e6


def measure(basis: str, pseudopotential: str | None, precision: str) -> dict[str, object]:
    (molecule,) = read_molecules("smiles:O=CC=CO")
    method = Method(
        basis=basis, pseudopotential=pseudopotential, response_grid="coarse", response_precision=precision, grid_level=1
    )
    hamiltonian = Hamiltonian(ground_state(molecule, method))
    grid = hamiltonian.semilocal
    assert grid is not None
    scheme = Multirate()
    pulse = GaussianPulses()

    def drive(times_au):
        return torch.from_numpy(pulse.at([t * AU_TIME_FS for t in times_au]))[:, None]

    state = initial_state(hamiltonian, scheme, pulse.impulse_au[None])
    for number in range(1, 11):
        state = scheme.advance(hamiltonian, drive, state, 2.0 * number)
    change = hamiltonian.density_change(state.occupied)
    density = grid.density + grid._density(change)
    _, potential = grid.functional(density)
    m = hamiltonian.energies.shape[1]
    parts = {
        "density": milliseconds(lambda: grid._density(change)),
        "functional": milliseconds(lambda: grid.functional(density)),
        "matrix": milliseconds(lambda: grid._matrix(potential)),
        "Coulomb": milliseconds(lambda: hamiltonian.repulsion.coulomb(change)),
        "whole build": milliseconds(lambda: hamiltonian.response(state.occupied)),
        "linear model": milliseconds(lambda: hamiltonian.linear_kernel(state.occupied)),
        "2 au of inner steps": milliseconds(
            lambda: propagate_substeps(hamiltonian, drive, state, state.time_au + WINDOW_AU, SUBSTEPS)
        ),
    }
    products = 2 * 2 * grid.weights.shape[1] * m * m / 1e6
    return {
        "basis": basis,
        "orbitals": m,
        "points": grid.weights.shape[1],
        "precision": precision,
        **{name: round(value, 2) for name, value in parts.items()},
        "GFlop per s in the XC part": round(products / (parts["density"] + parts["functional"] + parts["matrix"]), 1),
        "GFlop per s of its products": round(products / (parts["density"] + parts["matrix"]), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("one thread: run with OMP_NUM_THREADS=1")
    rates = {precision: round(gemm_rate(precision), 1) for precision in ("float32", "float64")}
    rows = [measure(basis, pseudo, "float32") for basis, pseudo in BASES]
    rows += [measure("gth-dzvp", GTH, "float64")]
    print(f"GEMM of this machine, one thread: {rates} GFlop/s; times in ms")
    cells = [[f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()] for row in rows]
    print(Table(list(rows[0]), cells).markdown())
    if arguments.out:
        facts = {"machine": platform.machine(), "python": platform.python_version(), "gemm_gflops": rates}
        arguments.out.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
