"""A learned rollout against the simulation of the same molecule on the same cores: the honest speed-up.

    OMP_NUM_THREADS=1 python benchmarks/rollout.py orbevo/qm9 smiles:CCO --out OUT.json

Both need the ground state, so the ratio is given with and without it. The simulation is the engine's with the step
control of the data sets (dipole tolerance 1e-3) on the coarse response grid.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from graphlearn.datasets import OrbitalTrajectory
from graphlearn.orbitals.model_folder import load_orbital_model
from graphlearn.orbitals.rollout import Rollout
from graphlearn.training.packaged import model_folder
from tdddft import free_evolution, ground_state, propagate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="model folder, or a model that comes with the package")
    parser.add_argument("molecule", help="anything that 'tdddft generate' takes")
    parser.add_argument("--together", type=int, default=8, help="copies that are rolled out side by side")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, normalizer, card = load_orbital_model(model_folder(options.model))
    known = card.settings
    field, method = known.field, known.method

    started = time.perf_counter()
    state = ground_state(options.molecule, method)
    solved = time.perf_counter()
    propagate(
        state, field, known.steps, known.dt_fs, save_every=known.save_every, dipole_tolerance=1e-3
    )  # fmt: skip
    simulated = time.perf_counter()
    still = free_evolution(state, field, known.steps, known.dt_fs, save_every=known.save_every)
    item = OrbitalTrajectory.from_trajectory(still, **model.geometry)
    roll = Rollout(model, normalizer)
    roll([item])
    begun = time.perf_counter()
    roll([item])
    alone = time.perf_counter() - begun
    begun = time.perf_counter()
    roll([item] * options.together)
    together = (time.perf_counter() - begun) / options.together
    scf, simulation = solved - started, simulated - solved
    results = {
        "molecule": state.molecule.name, "atoms": len(state.molecule.numbers), "states": state.num_occupied,
        "parameters": sum(p.numel() for p in model.parameters()), "ground_state_seconds": scf,
        "simulation_seconds": simulation, "rollout_seconds": alone, f"rollout_seconds_of_{options.together}": together,
        "simulation_and_ground_state_seconds": scf + simulation, "rollout_and_ground_state_seconds": scf + alone,
    }  # fmt: skip
    for name, value in results.items():
        print(f"{name:28} {value:.3g}" if isinstance(value, float) else f"{name:28} {value}")
    print(f"simulation over rollout {simulation / alone:.3g}")
    print(f"simulation over rollout, both with the ground state {(scf + simulation) / (scf + alone):.3g}")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
