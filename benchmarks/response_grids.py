"""Error of the exchange-correlation response on every grid, and of the linear model that the multirate scheme uses.

    OMP_NUM_THREADS=1 python benchmarks/response_grids.py --out OUT.json

Malonaldehyde, PBE / GTH-DZVP, at three times inside the pulse of the OrbEvo paper: occupied-virtual block of the change
of the exchange-correlation matrix against PySCF's grid level 5 in float64, relative to its norm; the largest of three.
The linear model is compared with the whole response, Coulomb part included.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

import torch

from tdddft import GaussianPulses, Hamiltonian, Method, ground_state, read_molecules
from tdddft.electronic.exchange_correlation import GridResponse
from tdddft.propagation.schemes import Multirate
from tdddft.propagation.schemes.state import initial_state
from tdddft.units import AU_TIME_FS

GRIDS = ["coarse", "medium", "fine", 0, 1, 2, 3]
TIMES_FS = (0.6, 0.9, 1.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    (molecule,) = read_molecules("smiles:O=CC=CO")
    state = ground_state(molecule, Method(response_grid="coarse"))
    hamiltonian, pulse, scheme = Hamiltonian(state), GaussianPulses((0.3, 0.5, 0.8)), Multirate()

    def drive(times_au):
        return torch.from_numpy(pulse.at([t * AU_TIME_FS for t in times_au]))[:, None]

    now = initial_state(hamiltonian, scheme, pulse.impulse_au[None])
    changes, model_errors = [], []
    virtual, occupied = slice(state.num_occupied, None), slice(None, state.num_occupied)
    for number in range(1, 25):
        now = scheme.advance(hamiltonian, drive, now, 0.05 * number / AU_TIME_FS)
        if any(abs(0.05 * number - t) < 1e-9 for t in TIMES_FS):
            changes.append(hamiltonian.density_change(now.occupied))
            exact, model = (m[0, virtual, occupied] for m in (now.response, hamiltonian.linear_kernel(now.occupied)))
            model_errors.append(float(torch.linalg.norm(exact - model) / torch.linalg.norm(exact)))
    reference = GridResponse([state], 5, torch.float64, hamiltonian.device)
    exact_blocks = [reference(change)[0][0, virtual, occupied] for change in changes]
    rows = []
    for grid in GRIDS:
        for precision in ("float32", "float64") if grid == "medium" else ("float32",):
            response = GridResponse([state], grid, getattr(torch, precision), hamiltonian.device)
            blocks = [response(change)[0][0, virtual, occupied] for change in changes]
            pairs = zip(blocks, exact_blocks, strict=True)
            error = max(float(torch.linalg.norm(a - b) / torch.linalg.norm(b)) for a, b in pairs)
            rows.append({"grid": grid, "precision": precision, "points": response.weights.shape[1], "error": error})
    print("| response grid | precision | points | error |")
    print("|---|---|---|---|")
    for r in rows:
        print(f"| {r['grid']} | {r['precision']} | {r['points']:,} | {r['error']:.1e} |")
    print(f"linear model: {max(model_errors):.1e} of the whole response")
    if arguments.out:
        facts = {"machine": platform.machine(), "python": platform.python_version(), "linear_model": max(model_errors)}
        arguments.out.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
