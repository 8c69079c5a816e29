"""Does the error of the dipole keep to ``dipole_tolerance``? Twenty molecules, levels of theory and fields.

    OMP_NUM_THREADS=1 python benchmarks/dipole_tolerance.py --out dipole_tolerance.json

Each case runs 1 fs with frames every 0.05 fs at several tolerances. The error is the largest distance of the dipole
from that of the reference at any frame, over the largest induced dipole of the reference. The reference is the same
engine at a tolerance of 1e-6; how far it is from the commutator-free Magnus scheme with steps of 0.25 as, a scheme of
its own, is given for the cases of ``--check``.

Three of the kicks (N2, C2H2, NH3) had a part in the choice of the constant of the engine's estimate.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tdddft import GaussianPulses, Kick, Laser, Method, Trajectory, ground_state, propagate, read_molecules
from tdddft.electronic.hamiltonian import Hamiltonian
from tdddft.fields.base import Field
from tdddft.propagation.schemes import Magnus4

STEPS, DT_FS, SAVE_EVERY = 200, 0.005, 10
REFERENCE = 1e-6
MAGNUS_STEP_FS = 0.00025
COARSE = {"grid_level": 1, "response_grid": 0, "response_precision": "float64"}  # the same for run and reference


def gth() -> Method:
    return Method(**COARSE)


def all_electrons(basis: str, functional: str = "PBE") -> Method:
    grids = {"response_precision": "float64"} if functional == "HF" else COARSE
    return Method(functional=functional, basis=basis, pseudopotential=None, **grids)


@dataclass(frozen=True)
class Case:
    molecule: str
    method: Method
    field: Field


OBLIQUE = (0.3, 0.5, 0.8)
PAPER = GaussianPulses(OBLIQUE)
LASER = Laser(7.5, (0.05, 0.0, 0.0), (0.0, 0.05, 0.0), duration_fs=1.0)
STRONG = Laser(3.1, (0.3, 0.0, 0.3), envelope="cw", ramp_fs=0.5)
CASES = [
    Case("g2:H2", all_electrons("aug-cc-pvdz"), Kick(1e-3, (0, 0, 1))),
    Case("g2:H2", all_electrons("cc-pvdz", "B3LYP"), PAPER),
    Case("g2:H2", all_electrons("aug-cc-pvdz", "LDA,VWN"), LASER),
    Case("g2:LiH", all_electrons("6-31g*"), Kick(1e-3, OBLIQUE)),
    Case("g2:LiH", all_electrons("6-31g", "LDA,VWN"), STRONG),
    Case("g2:Li2", all_electrons("6-31g"), PAPER),
    Case("g2:HF", all_electrons("6-31g"), Laser(12.0, (0.0, 0.0, 0.5), duration_fs=1.0)),
    Case("g2:HF", all_electrons("sto-3g", "HF"), Kick(1e-2, OBLIQUE)),
    Case("g2:H2O", gth(), PAPER),
    Case("g2:H2O", gth(), Kick(1e-3, OBLIQUE)),
    Case("g2:H2O", all_electrons("6-31g", "PBE0"), Kick(1e-2, OBLIQUE)),
    Case("g2:H2O", all_electrons("6-31g"), Kick(2e-2, OBLIQUE, width_fs=0.1)),
    Case("g2:NH3", all_electrons("sto-3g", "TPSS"), PAPER),
    Case("g2:NH3", all_electrons("6-31g", "LDA,VWN"), Kick(1e-3, OBLIQUE)),
    Case("g2:CH4", all_electrons("sto-3g"), LASER),
    Case("g2:N2", all_electrons("sto-3g"), Kick(1e-3, (0, 0, 1))),
    Case("g2:CO", all_electrons("sto-3g", "LDA,VWN"), LASER),
    Case("g2:HCN", all_electrons("sto-3g"), PAPER),
    Case("g2:C2H2", all_electrons("sto-3g"), Kick(1e-3, OBLIQUE)),
    Case("g2:H2CO", all_electrons("sto-3g"), PAPER),
]


def describe(case: Case) -> str:
    field = case.field.kind
    return f"{case.molecule.removeprefix('g2:')} {case.method.functional}/{case.method.basis}, {field}"


def run(case: Case, hamiltonian: Hamiltonian, tolerance: float) -> Trajectory:
    return propagate(
        hamiltonian.ground_states[0], case.field, STEPS, DT_FS, save_every=SAVE_EVERY, dipole_tolerance=tolerance,
        hamiltonian=hamiltonian,
    )  # fmt: skip


def magnus(case: Case, hamiltonian: Hamiltonian) -> Trajectory:
    finer = round(DT_FS / MAGNUS_STEP_FS)
    return propagate(
        hamiltonian.ground_states[0], case.field, STEPS * finer, MAGNUS_STEP_FS, save_every=SAVE_EVERY * finer,
        hamiltonian=hamiltonian, propagator=Magnus4(corrections=2),
    )  # fmt: skip


def distance(dipole_au: np.ndarray, reference: np.ndarray, rest: np.ndarray) -> float:
    """Largest distance of a frame over the largest induced dipole."""
    span = np.linalg.norm(reference - rest, axis=1).max()
    return float(np.linalg.norm(dipole_au - reference, axis=1).max() / span)


def measure(case: Case, tolerances: list[float], check: bool) -> dict[str, Any]:
    (molecule,) = read_molecules(case.molecule)
    state = ground_state(molecule, case.method)
    hamiltonian = Hamiltonian(state)
    rest = state.nuclear_dipole_au + hamiltonian.ground_dipole_au.numpy()[0]
    reference = run(case, hamiltonian, REFERENCE).dipole_au
    rows = []
    for tolerance in tolerances:
        trajectory = run(case, hamiltonian, tolerance)
        error = distance(trajectory.dipole_au, reference, rest)
        builds = trajectory.provenance.fock_builds
        rows.append({"tolerance": tolerance, "error": error, "fock_builds": builds})
    result: dict[str, Any] = {"case": describe(case), "runs": rows}
    if check:
        result["reference_against_magnus"] = distance(magnus(case, hamiltonian).dipole_au, reference, rest)
    return result


def summary(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "tolerance": rows[0]["tolerance"],
            "within": sum(row["error"] <= row["tolerance"] for row in rows),
            "cases": len(rows),
            "largest_error": max(row["error"] for row in rows),
            "fock_builds": sum(row["fock_builds"] for row in rows),
        }
        for rows in zip(*(r["runs"] for r in results), strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tolerances", type=float, nargs="+", default=[1e-3, 1e-4])
    parser.add_argument("--cases", type=int, nargs="+", default=list(range(len(CASES))))
    parser.add_argument("--check", type=int, nargs="*", default=[], help="cases to check against Magnus")
    arguments = parser.parse_args()
    results = []
    for number in arguments.cases:
        results.append(measure(CASES[number], arguments.tolerances, number in arguments.check))
        cells = "  ".join(f"{r['error']:.1e} ({r['fock_builds']})" for r in results[-1]["runs"])
        print(f"{results[-1]['case']:36} {cells}", flush=True)
    lines = summary(results)
    for line in lines:
        print(line)
    content = {"summary": lines, "cases": results}  # the values of the stored result
    arguments.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
