"""Time and memory against the size of the molecule, from 3 to 98 atoms, without exact exchange.

    OMP_NUM_THREADS=1 python benchmarks/sizes.py --out OUT
    OMP_NUM_THREADS=1 python benchmarks/sizes.py --molecules CCO COC1=CC(=O)CCC1 --out OUT

PBE / GTH-DZVP, response grid coarse, the recipes' dipole tolerance of 1e-3, float32 products, one thread, one process
per molecule. After a kick, seconds per femtosecond are extrapolated from a short run: the difference of one of 0.5 fs
and one of 0.1 fs, over 0.4 fs. Seconds are those of the processor; memory is the largest resident size, of which
``imports`` is that before the molecule. ``OUT`` is a folder; molecules that it holds from before are kept. The exponent
is that of a line through the logarithms from 9 atoms on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE, save_figure

ALKANES = (4, 10, 15, 20, 32)
MOLECULES = ["O", "C=C", "CCO", "O=CC=CO", "COC1=CC(=O)CCC1", *("C" * n for n in ALKANES)]
PARTS = {
    "ground_state_seconds": "ground state", "set_up_seconds": "kernel and grids",
    "seconds_per_fs": "propagation per fs",
}  # fmt: skip
SMALLEST_ATOMS, FRAME_FS = 9, 0.02
TICKS = (3, 6, 10, 20, 50, 100)


def measure(smiles: str) -> dict[str, object]:
    """A molecule in this process."""
    from tdddft import Hamiltonian, Kick, Method, ground_state, propagate

    imports, clock = _gigabytes(), [time.process_time()]
    state = ground_state(f"smiles:{smiles}", Method(response_grid="coarse"))
    clock.append(time.process_time())
    hamiltonian = Hamiltonian(state)
    _ = hamiltonian.linear_kernel
    clock.append(time.process_time())
    for steps in (5, 25):
        t = propagate(state, Kick(1e-3), steps, FRAME_FS, save_every=1, hamiltonian=hamiltonian, dipole_tolerance=1e-3)
        clock.append(time.process_time())
    seconds = np.diff(clock)
    return {
        "smiles": smiles, "atoms": len(t.numbers), "orbitals": t.overlap.shape[0], "ground_state_seconds": seconds[0],
        "set_up_seconds": seconds[1], "short_run_seconds": seconds[2], "long_run_seconds": seconds[3],
        "seconds_per_fs": (seconds[3] - seconds[2]) / (20 * FRAME_FS),
        "fock_builds_of_long_run": t.provenance.fock_builds, "imports_gb": imports, "peak_gb": _gigabytes(),
    }  # fmt: skip


def _gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def exponents(rows: list[dict[str, object]]) -> dict[str, float]:
    """Of every part and of the memory beyond the imports."""
    large = [row for row in rows if row["atoms"] >= SMALLEST_ATOMS]
    atoms = np.log([row["atoms"] for row in large])
    values = {key: [row[key] for row in large] for key in PARTS}
    values["memory"] = [row["peak_gb"] - row["imports_gb"] for row in large]
    return {key: float(np.polyfit(atoms, np.log(of), 1)[0]) for key, of in values.items()}


def figure_of(rows: list[dict[str, object]], powers: dict[str, float]) -> Figure:
    """Seconds and memory against atoms, with the exponents."""
    atoms = [row["atoms"] for row in rows]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        for key, label in PARTS.items():
            left.loglog(atoms, [row[key] for row in rows], "o-", ms=3, label=f"{label}, exponent {powers[key]:.1f}")
        left.set(xlabel="atoms", ylabel="CPU seconds")
        left.legend(fontsize=7)
        right.loglog(
            atoms, [row["peak_gb"] for row in rows], "o-", ms=3, label=f"peak, exponent {powers['memory']:.1f}"
        )
        right.loglog(atoms, [row["imports_gb"] for row in rows], ":", color="C7", label="of it imports")
        right.set(xlabel="atoms", ylabel="memory (GB)", ylim=(0.2, None))
        memory = [tick for tick in (0.2, 0.5, 1, 2, 4, 8, 16) if tick <= right.get_ylim()[1]]
        right.set_yticks(memory, [str(tick) for tick in memory])
        for axes in (left, right):
            axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
            axes.minorticks_off()
        right.legend(fontsize=7)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--molecules", nargs="+", default=MOLECULES, metavar="SMILES")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "sizes.json"
    rows = json.loads(file.read_text())["rows"] if file.is_file() else []
    for smiles in arguments.molecules:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            measured = pool.apply(measure, (smiles,))
        print(measured, flush=True)
        rows = sorted([*(row for row in rows if row["smiles"] != smiles), measured], key=lambda row: row["atoms"])
        large = len({row["atoms"] for row in rows if row["atoms"] >= SMALLEST_ATOMS}) > 1
        file.write_text(json.dumps({"rows": rows, "exponents": exponents(rows) if large else {}}, indent=1) + "\n")
    if large:
        save_figure(figure_of(rows, exponents(rows)), arguments.out / "sizes.png")


if __name__ == "__main__":
    main()
