"""The parts of one trajectory of the packed recipes: core-seconds in one process of one thread.

    GRAPHLEARN_DATA=FOLDER OMP_NUM_THREADS=1 python benchmarks/trajectory_parts.py --out OUT.json
    ... --before CHECKOUT               # the same for the code of another checkout, in turn with this one

Molecules are the first of each recipe. Each is computed in a fresh process as a worker of ``tdddft generate`` does it:
start (imports), molecule and integrals, self-consistent field, integrals and model of the response, Fock builds, inner
steps, validation, writing. Seconds are those of the processor, user and system. With ``--error`` the dipole is compared
with that of the same engine at a tolerance of 1e-5: the largest distance at any frame over the largest induced dipole.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

RECIPES = {"tddft_malonaldehyde": 3, "tddft_qm9": 6}
PARTS = ("start", "integrals", "scf", "response", "fock", "inner", "validation", "writing")


def one(recipe_name: str, number: int, tolerance: float | None) -> dict[str, Any]:
    """Compute one trajectory in this process and time its parts."""
    from graphlearn.base.recipes.reading import load_recipe
    from tdddft import Hamiltonian, ground_state, propagate, write_trajectory
    from tdddft.dataset.packaged import find_recipe
    from tdddft.dataset.plan import plan
    from tdddft.dataset.recipe import GenerateRecipe
    from tdddft.electronic import ground_state as ground_state_module
    from tdddft.trajectory.validation import failures

    seconds = dict.fromkeys(PARTS, 0.0)
    seconds["start"] = time.process_time()
    file = find_recipe(recipe_name)
    assert file is not None
    recipe = load_recipe(file, GenerateRecipe, ())
    made = plan(recipe, limit=number + 1)
    molecule, times = made.chosen[number], recipe.propagation
    (field,) = made.fields[molecule.name].values()

    @contextmanager
    def part(name: str) -> Iterator[None]:
        started = time.process_time()
        yield
        seconds[name] += time.process_time() - started

    build, response = ground_state_module.build_mean_field, Hamiltonian.response

    def build_mean_field(*arguments: Any, **keywords: Any) -> Any:
        with part("integrals"):
            return build(*arguments, **keywords)

    def timed_response(*arguments: Any) -> Any:
        with part("fock"):
            return response(*arguments)

    ground_state_module.build_mean_field, Hamiltonian.response = build_mean_field, timed_response
    with part("scf"):
        state = ground_state(molecule, recipe.method)
    with part("response"):
        hamiltonian = Hamiltonian(state)
        _ = hamiltonian.linear_kernel, hamiltonian.semilocal, hamiltonian.repulsion
    with part("inner"):
        trajectory = propagate(
            state, field, times.steps, times.dt_fs, save_every=times.save_every, hamiltonian=hamiltonian,
            dipole_tolerance=times.dipole_tolerance if tolerance is None else tolerance,
        )  # fmt: skip
    with part("validation"):
        assert not failures(trajectory)
    with tempfile.TemporaryDirectory() as folder, part("writing"):
        write_trajectory(Path(folder) / "trajectory.h5", trajectory)
    seconds["scf"] -= seconds["integrals"]
    seconds["inner"] -= seconds["fock"]
    rest = state.nuclear_dipole_au + hamiltonian.ground_dipole_au.numpy()[0]
    return {
        "molecule": molecule.name, "atoms": len(molecule.numbers), "orbitals": len(state.energies_hartree),
        "fock_builds": trajectory.provenance.fock_builds, "scf_cycles": state.scf_cycles,
        "energy_hartree": state.energy_hartree, "seconds": {**seconds, "all": sum(seconds.values())},
        "induced_dipole_au": (trajectory.dipole_au - rest).tolist(),
    }  # fmt: skip


def in_fresh_process(checkout: Path, *arguments: str) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).resolve()), "--one", *arguments]
    return json.loads(subprocess.run(command, env=environment, cwd=checkout, check=True, stdout=subprocess.PIPE).stdout)


def measure(checkouts: dict[str, Path], molecules: dict[str, int], *, error: bool) -> list[dict[str, Any]]:
    rows = []
    for recipe, count in molecules.items():
        for number in range(count):
            reference = np.array(0.0)
            if error:
                reference = np.array(
                    in_fresh_process(checkouts["after"], recipe, str(number), "1e-5")["induced_dipole_au"]
                )
            for label, checkout in checkouts.items():
                row = {"recipe": recipe, "code": label, **in_fresh_process(checkout, recipe, str(number))}
                dipole = np.array(row.pop("induced_dipole_au"))
                if error:
                    far = np.linalg.norm(dipole - reference, axis=1).max()
                    row["error"] = float(far / np.linalg.norm(reference, axis=1).max())
                rows.append(row)
                print({**row, "seconds": {k: round(v, 2) for k, v in row["seconds"].items()}}, flush=True)
    return rows


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean of every part by recipe and code."""
    out = []
    for recipe, label in dict.fromkeys((r["recipe"], r["code"]) for r in rows):
        group = [r for r in rows if (r["recipe"], r["code"]) == (recipe, label)]
        parts = {part: float(np.mean([r["seconds"][part] for r in group])) for part in (*PARTS, "all")}
        builds = float(np.mean([r["fock_builds"] for r in group]))
        largest = max((r["error"] for r in group if "error" in r), default=None)
        out.append(
            {"recipe": recipe, "code": label, "molecules": len(group), "fock_builds": builds, "error": largest, **parts}
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--before", type=Path, help="checkout of the code to compare with")
    parser.add_argument("--malonaldehyde", type=int, default=3)
    parser.add_argument("--qm9", type=int, default=6)
    parser.add_argument("--error", action="store_true", help="also compare the dipole with a tighter tolerance")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.one:
        recipe, number, *tolerance = options.one
        print(json.dumps(one(recipe, int(number), float(tolerance[0]) if tolerance else None)))
        return
    here = {"after": Path(__file__).resolve().parents[1]}
    checkouts = ({"before": options.before.resolve()} if options.before else {}) | here
    rows = measure(
        checkouts, {"tddft_malonaldehyde": options.malonaldehyde, "tddft_qm9": options.qm9}, error=options.error
    )
    result = {"means": means(rows), "rows": rows}
    for line in result["means"]:
        print(line)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
