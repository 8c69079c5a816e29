"""The linear propagation against the full one: errors and seconds per molecule at every level of the kernel.

    OMP_NUM_THREADS=1 python benchmarks/linear_propagation.py --out OUT.json

The two-pulse field of the OrbEvo paper, 5 fs, 101 frames, PBE / GTH-DZVP, response grid coarse. Errors are those of the
orbitals and of the induced dipole over their own size (``graphlearn evaluate``'s), against the full propagation at a
dipole tolerance of 1e-5. Seconds of the full propagation are those at the recipes' tolerance of 1e-3. The absorption of
formaldehyde is that of ``tdddft absorption``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.metrics import wavefunction_nrmse
from tdddft import GaussianPulses, Hamiltonian, Linear, Method, ground_state, propagate
from tdddft.analysis.absorption import ABSORPTION_METHODS, isotropic_absorption
from tdddft.electronic.method_names import KERNEL_LEVELS

MOLECULES = ["g2:H2O", "smiles:C=C", "smiles:CCO", "smiles:O=CC=CO", "smiles:c1cc[nH]c1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--molecules", nargs="+", default=MOLECULES)
    arguments = parser.parse_args()
    rows = [row for molecule in arguments.molecules for row in compare(molecule)]
    absorption = time_absorption("smiles:C=O")
    for row in [*rows, *absorption]:
        print(row)
    if arguments.out:
        arguments.out.write_text(json.dumps({"rows": rows, "absorption": absorption}, indent=1) + "\n")


def compare(name: str) -> list[dict[str, object]]:
    """Errors and seconds of every level for one molecule."""
    pulse = GaussianPulses()
    state, ground_seconds = timed(lambda: ground_state(name, Method(response_grid="coarse")))
    full_seconds = timed(lambda: propagate(state, pulse, dipole_tolerance=1e-3))[1]
    exact = propagate(state, pulse, precision="complex128", dipole_tolerance=1e-5)
    target, motion = to_delta(exact)[1:], exact.dipole_au - exact.dipole_au[0]
    rows = []
    for level in KERNEL_LEVELS:
        hamiltonian = Hamiltonian(state)
        kernel_seconds = timed(lambda h=hamiltonian, level=level: h.response_kernel(level))[1]
        linear, seconds = timed(
            lambda h=hamiltonian, level=level: propagate(
                state, pulse, precision="complex128", hamiltonian=h, propagator=Linear(level)
            )
        )
        rows.append({
            "molecule": name.partition(":")[2], "atoms": len(exact.numbers), "kernel": level,
            "wavefunction": wavefunction_nrmse(to_delta(linear)[1:], target),
            "dipole": float(np.linalg.norm(linear.dipole_au - exact.dipole_au) / np.linalg.norm(motion)),
            "ground_state_seconds": ground_seconds, "kernel_seconds": kernel_seconds, "propagation_seconds": seconds,
            "seconds_after_ground_state": kernel_seconds + seconds,
            "full_propagation_seconds": full_seconds,
        })  # fmt: skip
    return rows


def time_absorption(name: str) -> list[dict[str, object]]:
    """Seconds of each method of ``tdddft absorption``, beside those of the ground state."""
    state, ground_seconds = timed(lambda: ground_state(name, Method()))
    return [
        {
            "method": method, "ground_state_seconds": ground_seconds,
            "seconds": timed(lambda method=method: isotropic_absorption(state, method, hwhm_ev=0.2))[1],
        }
        for method in ABSORPTION_METHODS
    ]  # fmt: skip


def timed(function):
    """What a function returns, and the seconds that it took."""
    started = time.perf_counter()
    result = function()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main()
