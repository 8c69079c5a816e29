"""Data-set generation: trajectories an hour, two workers against one, overhead, reading speed, projected wall times.

    GRAPHLEARN_DATA=FOLDER python benchmarks/generation.py --out OUT.json

Runs the packed recipes tddft_malonaldehyde and tddft_qm9 on their first molecules, with their own accuracy (coarse
response grid, dipole tolerance 1e-3) and with the engine's default one (medium, 1e-4). A pure matrix product on one and
on two processes says what the machine itself gives. Workers have one thread each. What the whole of a set takes is the
mean of the measured ones times the ratio of estimated costs (orbitals to the power 2.4).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphlearn.base.tables import Table

ACCURACY = {"recipe": (), "default": ("method.response_grid=medium", "propagation.dipole_tolerance=1e-4")}
PAPER = {"tddft_qm9": 5000, "tddft_malonaldehyde": 1500}
GEMM = """
import os, time
os.environ["OMP_NUM_THREADS"] = "1"
import torch
torch.set_num_threads(1)
a = torch.randn(1200, 1200)
a @ a
end, count = time.perf_counter() + 4.0, 0
while time.perf_counter() < end:
    a @ a
    count += 1
print(count)
"""


def products(processes: int) -> int:
    running = [subprocess.Popen([sys.executable, "-c", GEMM], stdout=subprocess.PIPE) for _ in range(processes)]
    return sum(int(p.communicate()[0]) for p in running)


def gemm_two_against_one(repeats: int = 3) -> float:
    """Median over alternating measurements: a virtual machine's speed drifts."""
    return float(np.median([products(2) / products(1) for _ in range(repeats)]))


def run(name: str, accuracy: str, limit: int, jobs: int, out: Path) -> dict[str, float | str]:
    from graphlearn.base.recipes.reading import load_recipe
    from tdddft.dataset.generate import run_plan
    from tdddft.dataset.packaged import find_recipe
    from tdddft.dataset.plan import Plan, plan
    from tdddft.dataset.recipe import GenerateRecipe
    from tdddft.dataset.store import DatasetFolder

    file = find_recipe(name)
    assert file is not None
    recipe = load_recipe(file, GenerateRecipe, ACCURACY[accuracy])
    made = plan(recipe, limit=limit)
    started = time.perf_counter()
    summary = run_plan(made, DatasetFolder(out), jobs=jobs)
    wall = time.perf_counter() - started
    records = [r for r in DatasetFolder(out).records().values() if r["status"] == "done"]
    core = sum(r["seconds"] + r["ground_state_seconds"] for r in records)
    whole = Plan(recipe, made.molecules, made.molecules)
    costs = [p.cost / len(p.chosen) for p in (made, whole)]
    return {
        "recipe": name, "accuracy": accuracy, "workers": jobs, "trajectories": summary.done,
        "atoms": float(np.mean([r["atoms"] for r in records])), "wall_seconds": round(wall, 1),
        "per_hour": round(3600 * summary.done / wall, 1), "core_seconds": round(core / summary.done, 2),
        "ground_state_seconds": round(sum(r["ground_state_seconds"] for r in records) / summary.done, 2),
        "whole_set_core_seconds": round(core / summary.done * float(costs[1] / costs[0]), 2),
    }  # fmt: skip


def reading(folder: Path) -> dict[str, float]:
    from graphlearn.datasets import Normalizer, TDDFTTrajectories, TDDFTWindows

    data = TDDFTTrajectories(folder)
    windows, normalizer = TDDFTWindows(data, num_frames=8), Normalizer.fit(data)
    order = np.random.default_rng(0).permutation(len(windows))[:600]
    _ = [windows[i] for i in range(0, len(windows), 93)]  # the ground states are kept
    started = time.perf_counter()
    for i in order:
        windows[int(i)]
    alone = len(order) / (time.perf_counter() - started)
    speeds = {}
    for workers in (0, 1, 2):
        loader = windows.loader(normalizer, batch_size=16, num_workers=workers)
        for number, _ in enumerate(loader):
            if number == 4:
                started = time.perf_counter()
            if number == 36:
                break
        speeds[f"batches_of_16_with_{workers}_workers"] = 32 * 16 / (time.perf_counter() - started)
    return {"windows": alone, **speeds}


def table(rows: Sequence[dict[str, float | str]]) -> str:
    return Table(list(rows[0]), [[str(row[name]) for name in rows[0]] for row in rows]).markdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--malonaldehyde", type=int, default=12, help="trajectories of each run")
    parser.add_argument("--qm9", type=int, default=6, help="0 leaves QM9 out")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    gemm = gemm_two_against_one()
    print(f"matrix products: two processes do {gemm:.2f} times the work of one", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        plan = [("tddft_malonaldehyde", "recipe", options.malonaldehyde, jobs) for jobs in (1, 2)]
        plan += [("tddft_malonaldehyde", "default", options.malonaldehyde, 2)]
        plan += [("tddft_qm9", accuracy, options.qm9, 2) for accuracy in ACCURACY if options.qm9]
        for number, (name, accuracy, limit, jobs) in enumerate(plan):
            rows.append(run(name, accuracy, limit, jobs, Path(folder) / str(number)))
            print(rows[-1], flush=True)
        speeds = reading(Path(folder) / "0")
    one, two = rows[0], rows[1]
    overhead = (float(one["wall_seconds"]) - float(one["core_seconds"]) * options.malonaldehyde) / options.malonaldehyde
    print("\n" + table(rows))
    efficiency = float(one["wall_seconds"]) / float(two["wall_seconds"])
    steady = 2 * float(one["core_seconds"]) / float(two["core_seconds"])
    print(f"\ntwo workers against one: {efficiency:.2f} for these runs, {steady:.2f} without the start of the workers")
    print(f"matrix products: {gemm:.2f}")
    print(f"beside computing, per trajectory: {overhead:.2f} s (starting the worker, validation, writing)")
    for name, speed in speeds.items():
        print(f"windows a second, {name}: {speed:.0f}")
    for accuracy in ACCURACY:
        chosen = {str(r["recipe"]): float(r["whole_set_core_seconds"]) for r in rows if r["accuracy"] == accuracy}
        if set(chosen) == set(PAPER):
            hours = sum(PAPER[n] * chosen[n] for n in PAPER) / 3600
            here, cluster = hours / 2, 60 * hours / 1000
            print(
                f"the paper's 5,000 + 1,500 at {accuracy} accuracy: {hours:.0f} core-hours, {here:.0f} h on 2 cores, "
                f"{cluster:.0f} minutes on 1,000 cores"
            )
    if options.out:
        facts = {"machine": platform.machine(), "python": platform.python_version(), "gemm_two_against_one": gemm}
        results = {
            **facts,
            "two_workers_against_one": efficiency,
            "steady": steady,
            "overhead_seconds": overhead,
            "reading": speeds,
        }
        options.out.write_text(json.dumps({**results, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
