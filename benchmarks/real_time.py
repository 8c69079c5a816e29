"""Time per femtosecond at a known dipole error: ours against NWChem, on the same molecules, in one run.

    OMP_NUM_THREADS=1 python benchmarks/real_time.py --functional B3LYP --molecules malonaldehyde --out OUT.json

6-31G*, a weak kick along x, frames every 1 au, one thread each. NWChem (``apt-get install nwchem``) takes steps of
0.2 au with its medium grid; without it the table has our rows alone. Errors are the largest difference of the induced
dipole from a reference, over the range of the reference: our own propagation with exact integrals, float64 products,
PySCF's grid level 4 for ground state and response, and a tolerance of 1e-5. Seconds are those of the processor (user
and system), which other work on the machine disturbs less than the clock. The repetitions of all codes take turns;
NWChem's seconds per step are those of ``--peer-steps`` steps, and its error is that of these alone.
NWChem uses the machine's BLAS: ``apt-get install libopenblas0`` makes it three times faster than the reference BLAS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from tdddft import Hamiltonian, Kick, Method, Midpoint, Molecule, ground_state, propagate, read_molecules
from tdddft.units import AU_TIME_FS

MOLECULES = {  # source, charge, multiplicity
    "water": ("g2:H2O", 0, 1),
    "water cation": ("g2:H2O", 1, 2),
    "malonaldehyde": ("smiles:O=CC=CO", 0, 1),
    "malonaldehyde cation": ("smiles:O=CC=CO", 1, 2),
    "C7H10O2": ("smiles:COC1=CC(=O)CCC1", 0, 1),
}
CLOSED_SHELLS = [name for name, (_, _, multiplicity) in MOLECULES.items() if multiplicity == 1]
DT_AU, STRENGTH_AU = 0.2, 1e-3
PEER = "NWChem, medium grid"
KICK = Kick(STRENGTH_AU * DT_AU / 2, (1.0, 0.0, 0.0), width_fs=DT_AU * AU_TIME_FS)  # what NWChem's delta does
FUNCTIONALS = {
    "PBE": "xc xpbe96 cpbe96",
    "PBE0": "xc pbe0",
    "B3LYP": "xc b3lyp",
    "CAMB3LYP": "xc xcamb88 1.0 lyp 0.81 vwn_5 0.19 hfexch 1.0\n  cam 0.33 cam_alpha 0.19 cam_beta 0.46\n  direct",
}
OURS = {
    "tdddft, tolerance 1e-4, fine grid, exact integrals": ("fine", 1e-4, False),
    "tdddft, tolerance 1e-4, medium grid, exact integrals": ("medium", 1e-4, False),
    "tdddft, tolerance 1e-4, medium grid": ("medium", 1e-4, True),
    "tdddft, tolerance 1e-3, coarse grid": ("coarse", 1e-3, True),
    "tdddft, midpoint 0.2 au, coarse grid": ("coarse", None, True),
}
DIPOLE = re.compile(
    r"<rt_tddft>:\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+# Dipole moment \[bench\](?: \(total spin\))?$", re.M
)


def method(functional: str, **changes: object) -> Method:
    return Method(functional=functional, basis="6-31g*", pseudopotential=None, **changes)


def reference(molecule: Molecule, functional: str, duration_au: float) -> np.ndarray:
    exact = method(functional, density_fitting=False, grid_level=4, response_grid=4, response_precision="float64")
    t = propagate(ground_state(molecule, exact), KICK, *plan(duration_au), save_every=5, dipole_tolerance=1e-5)
    return t.dipole_au - t.dipole_au[0]


def plan(duration_au: float) -> tuple[int, float]:
    return round(duration_au / DT_AU), DT_AU * AU_TIME_FS


class Ours:
    def __init__(self, molecule: Molecule, level: Method, tolerance: float | None, duration_au: float) -> None:
        started = time.process_time()
        self.state = ground_state(molecule, level)
        self.hamiltonian = Hamiltonian(self.state)
        if tolerance is not None:
            _ = self.hamiltonian.linear_kernel
        self.setup = time.process_time() - started
        self.tolerance, self.duration = tolerance, duration_au
        self.builds = 0

    def run(self) -> tuple[float, np.ndarray]:
        started = time.process_time()
        scheme = {"propagator": Midpoint()} if self.tolerance is None else {"dipole_tolerance": self.tolerance}
        t = propagate(self.state, KICK, *plan(self.duration), save_every=5, hamiltonian=self.hamiltonian, **scheme)
        self.builds = t.provenance.fock_builds
        return time.process_time() - started, t.dipole_au - t.dipole_au[0]


class NWChem:
    """A step takes the difference between a whole run and one of three steps, over the difference of their steps."""

    builds = 0

    def __init__(self, molecule: Molecule, functional: str, grid: str, steps: int, per_fs: float) -> None:
        self.molecule, self.functional, self.grid, self.steps, self.per_fs = molecule, functional, grid, steps, per_fs
        self.setup, self.few = self._run(3)

    def run(self) -> tuple[float, np.ndarray]:
        seconds, dipole = self._run(self.steps)
        return (seconds - self.setup) / (len(dipole) - len(self.few)) * self.per_fs, dipole[: self.steps + 1 : 5]

    def _run(self, steps: int) -> tuple[float, np.ndarray]:
        """NWChem stops short of its last steps; two more are asked for."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "in.nw").write_text(self._input((steps + 2) * DT_AU))
            started = _seconds_of_children()
            done = subprocess.run(["nwchem", "in.nw"], cwd=folder, capture_output=True, text=True, check=False)
            seconds = _seconds_of_children() - started
        rows = np.array([[float(x) for x in m] for m in DIPOLE.findall(done.stdout)])
        if len(rows) <= steps:
            raise RuntimeError(f"NWChem stopped early:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")
        return seconds, rows[:, 1:] - rows[0, 1:]

    def _input(self, duration_au: float) -> str:
        m = self.molecule
        atoms = "\n".join(
            f"  {s} {x:.10f} {y:.10f} {z:.10f}" for s, (x, y, z) in zip(m.symbols, m.positions_angstrom, strict=True)
        )
        spins = "" if m.multiplicity == 1 else f"\n  odft\n  mult {m.multiplicity}"
        return f"""start bench
charge {m.charge}
memory total 3000 mb
geometry "bench" units angstroms nocenter noautosym noautoz
{atoms}
end
set geometry "bench"
basis spherical
  * library 6-31G*
end
dft{spins}
  {FUNCTIONALS[self.functional]}
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


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(name: str, options: argparse.Namespace) -> list[dict[str, object]]:
    source, charge, multiplicity = MOLECULES[name]
    (molecule,) = read_molecules(source)
    molecule = replace(molecule, charge=charge, multiplicity=multiplicity)
    functional, duration_au = options.functional, options.duration_au
    exact = reference(molecule, functional, duration_au)
    span, duration_fs = np.abs(exact).max(), duration_au * AU_TIME_FS
    codes: dict[str, Ours | NWChem] = {}
    for label in options.codes:
        grid, tolerance, fitted = OURS[label]
        level = method(functional, response_grid=grid, density_fitting=fitted)
        codes[label] = Ours(molecule, level, tolerance, duration_au)
    if shutil.which("nwchem"):
        codes[PEER] = NWChem(molecule, functional, "medium", options.peer_steps, duration_au / DT_AU)
    else:
        print("nwchem is not installed (apt-get install nwchem): its row is left out")
    seconds: dict[str, list[float]] = {label: [] for label in codes}
    errors = {}
    for _ in range(options.repeats):
        for label, code in codes.items():
            took, dipole = code.run()
            seconds[label].append(took)
            frames = min(len(dipole), len(exact))
            errors[label] = float(np.abs(dipole[:frames] - exact[:frames]).max() / span)
            print(f"{label}: {took:.1f} s, error {errors[label]:.1e}", flush=True)
    peer = round(median(seconds[PEER]) / duration_fs, 2) if PEER in seconds else None
    return [
        {
            "molecule": name,
            "functional": functional,
            "code": label,
            "seconds_per_fs": round(median(seconds[label]) / duration_fs, 2),
            "seconds_per_fs_of_peer": peer,
            "error_of_range": errors[label],
            "fock_builds_per_fs": round(code.builds / duration_fs, 1) or None,
            "setup_seconds": round(code.setup, 1),
        }
        for label, code in codes.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--molecules", nargs="+", choices=MOLECULES, default=CLOSED_SHELLS)
    parser.add_argument("--functional", choices=FUNCTIONALS, default="PBE")
    parser.add_argument("--codes", nargs="+", choices=OURS, default=list(OURS), metavar="CODE", help="our rows")
    parser.add_argument("--duration-au", type=float, default=40.0)
    parser.add_argument("--peer-steps", type=int, default=100, help="steps of NWChem's run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("one thread each: run with OMP_NUM_THREADS=1")
    rows = []
    for name in arguments.molecules:
        rows += compare(name, arguments)
    print("| molecule | code | CPU s per fs | times faster | error / range | builds per fs | set-up s |")
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
