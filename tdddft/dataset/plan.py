"""From a recipe to the trajectories that make up its data set, and the jobs that make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.file_names import file_name
from graphlearn.base.seeds import seeded_generator
from tdddft.dataset.recipe import Distortions, GenerateRecipe
from tdddft.dataset.worker import Job
from tdddft.electronic.method import Method
from tdddft.fields.base import Field
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.selection import select

ORBITALS_OF_HYDROGEN, ORBITALS_OF_OTHERS = 5, 13
COST_EXPONENT = 2.4  # of the number of orbitals, between malonaldehyde and C7H10O2


def collect_molecules(recipe: GenerateRecipe) -> list[Molecule]:
    """All geometries of a recipe.

    Raises:
        InputError: where two share a name, or their names differ in case alone, which many file systems take for one;
            where a charge is given by a name that no molecule has.
    """
    from tdddft.molecules.sources import read_molecules

    everything = [m for source in recipe.molecules for m in read_molecules(source, recipe.charge)]
    if isinstance(recipe.charge, dict) and (unknown := sorted(set(recipe.charge) - {m.name for m in everything})):
        raise InputError(f"charge: the sources have no molecule {', '.join(unknown[:5])}")
    given = select(everything, recipe.selection)
    absent = sorted(set(recipe.distortions.only or ()) - {m.name for m in given})
    if absent:
        raise InputError(f"distortions.only: there is no molecule {', '.join(absent[:5])}")
    molecules = [geometry for m in given for geometry in (m, *distorted(m, recipe.distortions))]
    times = Counter(m.name.casefold() for m in molecules)
    twice = sorted({m.name for m in molecules if times[m.name.casefold()] > 1})
    if twice:
        raise InputError(
            f"molecule names must differ, and not in upper and lower case alone; these clash: {', '.join(twice[:6])}"
        )
    return molecules


def part_of(molecules: Sequence[Molecule], limit: int | None, shard: tuple[int, int] | None) -> list[Molecule]:
    """The first molecules of a data set, and of those every n-th from the i-th for shard (i, n)."""
    first = list(molecules[:limit])
    return first if shard is None else first[shard[0] - 1 :: shard[1]]


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
    name = file_name(molecule.name)
    return {f"{name}_d{i}": field for i, field in enumerate(recipe.field.fields(molecule.name))}


def jobs_of(molecules: Sequence[Molecule], recipe: GenerateRecipe, root: Path) -> list[Job]:
    """One job a molecule, the longest first."""
    jobs = [Job(m, trajectory_ids(m, recipe), recipe, root) for m in molecules]
    return sorted(jobs, key=lambda job: -cost(job))


def cost(job: Job) -> float:
    """Relative cost of a job: trajectories times a power of the orbitals."""
    heavy = (job.molecule.numbers > 1).sum()
    orbitals = ORBITALS_OF_OTHERS * heavy + ORBITALS_OF_HYDROGEN * (len(job.molecule.numbers) - heavy)
    return len(job.fields) * float(orbitals) ** COST_EXPONENT


def check_method(molecules: Sequence[Molecule], method: Method) -> None:
    """InputError if the functional is unknown or an element lacks a basis or pseudopotential."""
    from tdddft.electronic.functionals import check_functional
    from tdddft.electronic.mole import build_mol

    check_functional(method.functional)
    seen: set[str] = set()
    for molecule in molecules:
        if not set(molecule.symbols) <= seen:
            build_mol(molecule, method)
            seen |= set(molecule.symbols)
