"""Time per femtosecond at a known dipole error: ours against NWChem, on the same molecules, in one run.

    OMP_NUM_THREADS=1 python benchmarks/real_time.py --out OUT.json

PBE/6-31G*, a weak kick along x, frames every 1 au, one thread each. NWChem (``apt-get install nwchem``) takes steps of
0.2 au with its medium grid; without it the table has our rows alone. Errors are the largest difference of the induced
dipole from a reference, over the range of the reference: our own propagation with exact integrals, float64 products,
PySCF's grid level 4 for ground state and response, and a tolerance of 1e-5. The repetitions of all codes take turns.
NWChem uses the machine's BLAS: ``apt-get install libopenblas0`` makes it three times faster than the reference BLAS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from tdddft import Hamiltonian, Kick, Method, Midpoint, Molecule, ground_state, propagate, read_molecules
from tdddft.units import AU_TIME_FS

MOLECULES = {"malonaldehyde": "smiles:O=CC=CO", "C7H10O2": "smiles:COC1=CC(=O)CCC1"}
DT_AU, STRENGTH_AU = 0.2, 1e-3
KICK = Kick(STRENGTH_AU * DT_AU / 2, (1.0, 0.0, 0.0), width_fs=DT_AU * AU_TIME_FS)  # what NWChem's delta does
OURS = {
    "tdddft, tolerance 1e-4, fine grid, exact integrals": ("fine", 1e-4, False),
    "tdddft, tolerance 1e-4, medium grid": ("medium", 1e-4, True),
    "tdddft, tolerance 1e-3, coarse grid": ("coarse", 1e-3, True),
    "tdddft, midpoint 0.2 au, coarse grid": ("coarse", None, True),
}
DIPOLE = re.compile(r"<rt_tddft>:\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+# Dipole moment \[bench\]")


def method(**changes: object) -> Method:
    return Method(functional="PBE", basis="6-31g*", pseudopotential=None, **changes)


def reference(molecule: Molecule, duration_au: float) -> np.ndarray:
    exact = method(density_fitting=False, grid_level=4, response_grid=4, response_precision="float64")
    t = propagate(ground_state(molecule, exact), KICK, *plan(duration_au), save_every=5, dipole_tolerance=1e-5)
    return t.dipole_au - t.dipole_au[0]


def plan(duration_au: float) -> tuple[int, float]:
    return round(duration_au / DT_AU), DT_AU * AU_TIME_FS


class Ours:
    def __init__(
        self, molecule: Molecule, grid: str, tolerance: float | None, fitted: bool, duration_au: float
    ) -> None:
        started = time.perf_counter()
        self.state = ground_state(molecule, method(response_grid=grid, density_fitting=fitted))
        self.hamiltonian = Hamiltonian(self.state)
        if tolerance is not None:
            _ = self.hamiltonian.linear_kernel
        self.setup = time.perf_counter() - started
        self.tolerance, self.duration = tolerance, duration_au
        self.builds = 0

    def run(self) -> tuple[float, np.ndarray]:
        started = time.perf_counter()
        scheme = {"propagator": Midpoint()} if self.tolerance is None else {"dipole_tolerance": self.tolerance}
        t = propagate(self.state, KICK, *plan(self.duration), save_every=5, hamiltonian=self.hamiltonian, **scheme)
        self.builds = t.provenance.fock_builds
        return time.perf_counter() - started, t.dipole_au - t.dipole_au[0]


class NWChem:
    """A step takes the difference between a whole run and one of three steps, over the difference of their steps."""

    builds = 0

    def __init__(self, molecule: Molecule, grid: str, duration_au: float) -> None:
        self.molecule, self.grid, self.steps = molecule, grid, plan(duration_au)[0]
        self.setup, self.few = self._run(3)

    def run(self) -> tuple[float, np.ndarray]:
        seconds, dipole = self._run(self.steps)
        return (seconds - self.setup) / (len(dipole) - len(self.few)) * self.steps, dipole[: self.steps + 1 : 5]

    def _run(self, steps: int) -> tuple[float, np.ndarray]:
        """NWChem stops short of its last steps; two more are asked for."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "in.nw").write_text(self._input((steps + 2) * DT_AU))
            started = time.perf_counter()
            done = subprocess.run(["nwchem", "in.nw"], cwd=folder, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - started
        rows = np.array([[float(x) for x in m] for m in DIPOLE.findall(done.stdout)])
        if len(rows) <= steps:
            raise RuntimeError(f"NWChem stopped early:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")
        return seconds, rows[:, 1:] - rows[0, 1:]

    def _input(self, duration_au: float) -> str:
        m = self.molecule
        atoms = "\n".join(
            f"  {s} {x:.10f} {y:.10f} {z:.10f}" for s, (x, y, z) in zip(m.symbols, m.positions_angstrom, strict=True)
        )
        return f"""start bench
memory total 3000 mb
geometry "bench" units angstroms nocenter noautosym noautoz
{atoms}
end
set geometry "bench"
basis spherical
  * library 6-31G*
end
dft
  xc xpbe96 cpbe96
  grid {self.grid}
  convergence density 1d-8
  iterations 100
end
task dft energy
rt_tddft
  tmax {duration_au}
  dt {DT_AU}
  print dipole
  field "kick"
    type delta
    polarization x
    max {STRENGTH_AU}
  end
  excite "bench" with "kick"
end
task dft rt_tddft
"""


def compare(name: str, duration_au: float, repeats: int) -> list[dict[str, object]]:
    (molecule,) = read_molecules(MOLECULES[name])
    exact = reference(molecule, duration_au)
    span = np.abs(exact).max()
    codes: dict[str, Ours | NWChem] = {label: Ours(molecule, *how, duration_au) for label, how in OURS.items()}
    if shutil.which("nwchem"):
        codes["NWChem, medium grid"] = NWChem(molecule, "medium", duration_au)
    else:
        print("nwchem is not installed (apt-get install nwchem): its row is left out")
    seconds: dict[str, list[float]] = {label: [] for label in codes}
    errors = {}
    for _ in range(repeats):
        for label, code in codes.items():
            took, dipole = code.run()
            seconds[label].append(took)
            frames = min(len(dipole), len(exact))
            errors[label] = float(np.abs(dipole[:frames] - exact[:frames]).max() / span)
    duration_fs = duration_au * AU_TIME_FS
    peer = median(seconds["NWChem, medium grid"]) if "NWChem, medium grid" in seconds else None
    return [
        {
            "molecule": name,
            "code": label,
            "seconds_per_fs": round(median(seconds[label]) / duration_fs, 2),
            "seconds_per_fs_of_peer": None if peer is None else round(peer / duration_fs, 2),
            "error_of_range": errors[label],
            "fock_builds_per_fs": round(code.builds / duration_fs, 1) or None,
            "setup_seconds": round(code.setup, 1),
        }
        for label, code in codes.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--molecules", nargs="+", choices=MOLECULES, default=list(MOLECULES))
    parser.add_argument("--duration-au", type=float, default=40.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("one thread each: run with OMP_NUM_THREADS=1")
    rows = []
    for name in arguments.molecules:
        rows += compare(name, arguments.duration_au, arguments.repeats)
    print("| molecule | code | s per fs | times faster | error / range | builds per fs | set-up s |")
    print("|---|---|---|---|---|---|---|")
    for r in rows:
        peer = r["seconds_per_fs_of_peer"]
        faster = f"{peer / r['seconds_per_fs']:.1f}" if peer else ""
        print(
            f"| {r['molecule']} | {r['code']} | {r['seconds_per_fs']} | {faster} | "
            f"{r['error_of_range']:.1e} | {r['fock_builds_per_fs'] or ''} | {r['setup_seconds']} |"
        )
    if arguments.out:
        facts = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "duration_au": arguments.duration_au,
        }
        arguments.out.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
