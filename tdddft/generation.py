"""Generate a data set: molecules x geometries x field directions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tdddft.errors import InputError
from tdddft.field import Field
from tdddft.folder import DatasetFolder, Record
from tdddft.job import Job, run_job
from tdddft.molecule import Molecule
from tdddft.pool import available_cores, map_unordered
from tdddft.recipe import Distortions, GenerateRecipe, Method, seeded_generator
from tdddft.selection import select
from tdddft.sources import read_molecules


@dataclass
class Summary:
    """What a run did: numbers of trajectories, and the records of failures."""

    total: int
    already_done: int
    done: int
    failed: list[Record]


def generate(
    recipe: GenerateRecipe,
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    molecules: list[Molecule] | None = None,
    on_record: Callable[[Record, Summary], None] | None = None,
) -> Summary:
    """Generate every missing trajectory of a recipe into a data-set folder.

    Running it again continues the folder: finished trajectories are kept, failures are tried again. With more than
    one job the workers are spawned, so a script must call this under ``if __name__ == "__main__":``.

    Args:
        recipe: What to generate.
        out: The data-set folder.
        jobs: Worker processes, one thread each; all cores by default.
        molecules: What :func:`collect_molecules` gave for the recipe, where it was read before.
        on_record: Called in this process after every trajectory, finished or failed.

    Returns:
        Counts and failures.

    Raises:
        InputError: for bad molecules, a method that does not cover them, or a folder of another recipe; nothing is
            written then.
    """
    molecules = collect_molecules(recipe) if molecules is None else molecules
    check_method(molecules, recipe.method)
    folder = DatasetFolder(Path(out))
    folder.open(recipe)
    identifiers = {m.name: trajectory_ids(m, recipe) for m in molecules}
    every = [i for ids in identifiers.values() for i in ids]
    done = folder.adopt(every, recipe)
    work = []
    for molecule in molecules:
        missing = {i: f for i, f in identifiers[molecule.name].items() if i not in done}
        if missing:
            work.append(Job(molecule, missing, recipe, folder.root))
    work.sort(key=lambda job: -_cost(job))
    summary = Summary(len(every), len(done), len(done), [])
    for records in map_unordered(run_job, work, jobs or available_cores()):
        for record in records:
            folder.append(record)
            if record["status"] == "done":
                summary.done += 1
            else:
                summary.failed.append(record)
                folder.log(f"{record['id']}: {record['error']}")
            if on_record is not None:
                on_record(record, summary)
    return summary


def check_method(molecules: list[Molecule], method: Method) -> None:
    """InputError if the functional is unknown or an element lacks a basis or pseudopotential."""
    from tdddft.functionals import check_functional
    from tdddft.scf import build_mol

    check_functional(method.functional)
    seen: set[str] = set()
    for molecule in molecules:
        if not set(molecule.symbols) <= seen:
            build_mol(molecule, method)
            seen |= set(molecule.symbols)


def collect_molecules(recipe: GenerateRecipe, limit: int | None = None) -> list[Molecule]:
    """All geometries of a recipe; InputError where two share a name."""
    given = select([m for source in recipe.molecules for m in read_molecules(source)], recipe.selection)
    molecules = [geometry for m in given for geometry in (m, *distorted(m, recipe.distortions))]
    twice = sorted(name for name, times in Counter(m.name for m in molecules).items() if times > 1)
    if twice:
        raise InputError(f"molecule names must differ, these come twice: {', '.join(twice[:5])}")
    return molecules[:limit]


def distorted(molecule: Molecule, distortions: Distortions) -> list[Molecule]:
    """Copies with Gaussian displacements of the nuclei, called ``NAME-g1``, ``NAME-g2``, ..."""
    copies: list[Molecule] = []
    if distortions.only is not None and molecule.name not in distortions.only:
        return copies
    for i in range(1, distortions.count + 1):
        name = f"{molecule.name}-g{i}"
        moves = seeded_generator(distortions.seed, name).normal(size=molecule.positions_angstrom.shape)
        positions = molecule.positions_angstrom + distortions.sigma_angstrom * moves
        source = f"{molecule.source}, displaced by {distortions.sigma_angstrom:g} angstrom"
        copies.append(replace(molecule, name=name, positions_angstrom=positions, source=source))
    return copies


def trajectory_ids(molecule: Molecule, recipe: GenerateRecipe) -> dict[str, Field]:
    """The trajectories of a molecule, id to field: ``NAME_d0`` for the first direction, and so on."""
    return {f"{molecule.name}_d{i}": field for i, field in enumerate(recipe.field.fields(molecule.name))}


def _cost(job: Job) -> float:
    return len(job.fields) * float((job.molecule.numbers > 1).sum() * 13 + (job.molecule.numbers == 1).sum() * 5) ** 2
