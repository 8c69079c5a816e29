"""One trajectory of the OrbEvo paper (its pulse, 5 fs, 101 frames) by every scheme: seconds, Fock builds and error.

    OMP_NUM_THREADS=1 python benchmarks/pulse_trajectory.py --out OUT.json

PBE / GTH-DZVP / GTH-PBE with density fitting, one thread. The error is that of the dipole over the norm of its signal,
and its largest value over the range, against the fine grid with a tolerance of 1e-5, the first row; the error of the
grid is included. Seconds are those of the propagation; the ground state, the integrals and the linear model,
which trajectories of one molecule share, stand apart.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path

import numpy as np

from tdddft import GaussianPulses, Hamiltonian, Method, ground_state, propagate, read_molecules
from tdddft.propagation.schemes import Adaptive, named_propagator
from tdddft.units import AU_TIME_FS

MOLECULES = {"malonaldehyde": "smiles:O=CC=CO", "C7H10O2": "smiles:COC1=CC(=O)CCC1"}
PULSE = GaussianPulses((0.3, 0.5, 0.8))
DURATION_FS, FRAME_FS = 5.0, 0.05
ADAPTIVE = [("fine", 1e-5), ("coarse", 1e-3), ("medium", 1e-3), ("medium", 1e-4)]
FIXED = [("midpoint", 0.005), ("extrapolated", 0.005), ("etrs", 0.01), ("magnus4", 0.01), ("multirate", 0.05)]


def trajectory(hamiltonian: Hamiltonian, scheme: str, setting: float) -> tuple[float, int, np.ndarray]:
    dt_fs = FRAME_FS if scheme == "adaptive" else setting
    steps, save_every = round(DURATION_FS / dt_fs), round(FRAME_FS / dt_fs)
    propagator = named_propagator(scheme) or Adaptive(setting, DURATION_FS / AU_TIME_FS)
    (state,) = hamiltonian.ground_states
    started = time.perf_counter()
    t = propagate(state, PULSE, steps, dt_fs, save_every=save_every, propagator=propagator, hamiltonian=hamiltonian)
    return time.perf_counter() - started, t.provenance.fock_builds, t.dipole_au - t.dipole_au[0]


def prepared(name: str, grid: str) -> tuple[Hamiltonian, float, float]:
    (molecule,) = read_molecules(MOLECULES[name])
    started = time.perf_counter()
    state = ground_state(molecule, Method(response_grid=grid))
    solved = time.perf_counter()
    hamiltonian = Hamiltonian(state)
    _ = hamiltonian.linear_kernel
    return hamiltonian, solved - started, time.perf_counter() - solved


def measure(name: str, *, fixed: bool) -> list[dict[str, object]]:
    exact: np.ndarray | None = None
    rows: list[dict[str, object]] = []
    runs = [(grid, "adaptive", tolerance) for grid, tolerance in ADAPTIVE]
    runs += [("coarse", scheme, dt_fs) for scheme, dt_fs in FIXED] if fixed else []
    for grid, scheme, setting in runs:
        hamiltonian, scf_seconds, setup_seconds = prepared(name, grid)
        seconds, builds, dipole = trajectory(hamiltonian, scheme, setting)
        exact = dipole if exact is None else exact
        rows.append(
            {
                "molecule": name,
                "atoms": len(hamiltonian.ground_states[0].molecule.numbers),
                "orbitals": hamiltonian.energies.shape[1],
                "scheme": scheme,
                "setting": f"tolerance {setting:g}" if scheme == "adaptive" else f"dt {setting:g} fs",
                "grid": grid,
                "points": hamiltonian.semilocal.weights.shape[1] if hamiltonian.semilocal else 0,
                "seconds": round(seconds, 1),
                "fock_builds": builds,
                "error_of_norm": float(np.linalg.norm(dipole - exact) / np.linalg.norm(exact)),
                "error_of_range": float(np.abs(dipole - exact).max() / np.ptp(exact, axis=0).max()),
                "ground_state_seconds": round(scf_seconds, 1),
                "setup_seconds": round(setup_seconds, 1),
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--molecules", nargs="+", choices=MOLECULES, default=list(MOLECULES))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("one thread: run with OMP_NUM_THREADS=1")
    rows = [row for name in arguments.molecules for row in measure(name, fixed=name == "malonaldehyde")]
    print("| molecule | scheme | setting | grid (points) | s | builds | error/norm | error/range | SCF s | set-up s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(
            f"| {r['molecule']} | {r['scheme']} | {r['setting']} | {r['grid']} ({r['points']:,}) | {r['seconds']} | "
            f"{r['fock_builds']} | {r['error_of_norm']:.1e} | {r['error_of_range']:.1e} | "
            f"{r['ground_state_seconds']} | {r['setup_seconds']} |"
        )
    if arguments.out:
        facts = {"machine": platform.machine(), "python": platform.python_version()}
        arguments.out.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
