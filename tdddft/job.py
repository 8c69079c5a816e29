"""One job of a data set: a molecule's ground state and its propagations, in a worker process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tdddft.field import Field
from tdddft.folder import DatasetFolder, Record, done_record
from tdddft.molecule import Molecule
from tdddft.recipe import GenerateRecipe
from tdddft.recipe_files import recipe_hash


@dataclass(frozen=True)
class Job:
    """All missing trajectories of one molecule; they share the ground state and its integrals."""

    molecule: Molecule
    fields: dict[str, Field]
    recipe: GenerateRecipe
    root: Path


def run_job(job: Job) -> list[Record]:
    """Ground state, then one propagation a field; a record for each, whatever happens."""
    from tdddft.hamiltonian import Hamiltonian
    from tdddft.propagation import propagate
    from tdddft.propagators import fixed_propagator
    from tdddft.scf import ground_state
    from tdddft.trajectory import write_trajectory
    from tdddft.validation import failures

    steps = job.recipe.propagation
    records: list[Record] = []
    started = time.perf_counter()
    try:
        state = ground_state(job.molecule, job.recipe.method)
        hamiltonian = Hamiltonian(state)
    except Exception as error:  # whatever breaks one molecule must not break the data set
        return [failed_record(i, error) for i in job.fields]
    ground_state_seconds = round(time.perf_counter() - started, 2)
    for identifier, field in job.fields.items():
        started = time.perf_counter()
        try:
            trajectory = propagate(
                state, field, steps.steps, steps.dt_fs, save_every=steps.save_every, precision=steps.precision,
                dipole_tolerance=steps.dipole_tolerance, propagator=fixed_propagator(steps.propagator),
                hamiltonian=hamiltonian, checkpoint=DatasetFolder(job.root).checkpoint(identifier),
            )  # fmt: skip
            provenance = {**trajectory.info["provenance"], "id": identifier, "recipe_hash": recipe_hash(job.recipe)}
            trajectory = trajectory.replace(info={**trajectory.info, "provenance": provenance})
            broken = failures(trajectory)
            if broken:
                records.append({"id": identifier, "status": "failed", "error": "; ".join(broken)})
                continue
            write_trajectory(DatasetFolder(job.root).path(identifier), trajectory)
            DatasetFolder(job.root).checkpoint(identifier).unlink(missing_ok=True)
            diagnostics = {
                "molecule": job.molecule.name, "atoms": len(job.molecule.numbers), "occupied": state.num_occupied,
                "orbitals": len(state.overlap), "norm_error": float(trajectory.norm_error.max()),
                "scf_solver": state.scf_solver, "ground_state_seconds": ground_state_seconds,
                "fock_builds": trajectory.info["provenance"]["fock_builds"],
            }  # fmt: skip
            seconds = round(time.perf_counter() - started, 2)
            records.append(done_record(job.root, identifier, seconds, diagnostics))
        except Exception as error:
            records.append(failed_record(identifier, error))
    return records


def failed_record(identifier: str, error: Exception) -> Record:
    """Index line of a trajectory that could not be made."""
    return {"id": identifier, "status": "failed", "error": f"{type(error).__name__}: {error}"}
