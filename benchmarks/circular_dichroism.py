"""Rotatory strengths of the lowest root of twisted hydrogen peroxide in three basis sets, in both gauges.

    OMP_NUM_THREADS=1 python benchmarks/circular_dichroism.py --out OUT.json

PBE0, exact integrals, the geometry of docs/tdddft.md. The two gauges agree in a complete basis. Strengths in 1e-40 cgs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tdddft import Method, Molecule, ground_state
from tdddft.analysis.circular_dichroism import chiral_roots

PEROXIDE = Molecule(
    "H2O2",
    [8, 8, 1, 1],
    [[0, 0.695, -0.0925], [0, -0.695, -0.0925], [-0.3881, 0.8952, 0.7399], [0.3881, -0.8952, 0.7399]],
)
BASES = ("6-31g*", "cc-pvdz", "aug-cc-pvdz")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = []
    for basis in BASES:
        method = Method(functional="PBE0", basis=basis, pseudopotential=None, density_fitting=False)
        roots = chiral_roots(ground_state(PEROXIDE, method), 3)
        strengths = {gauge: float(values[0]) for gauge, values in roots.rotatory_strengths().items()}
        rows.append({"basis": basis, "ev": float(roots.energies_ev[0]), **strengths})
        print(rows[-1])
    if arguments.out:
        arguments.out.write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
