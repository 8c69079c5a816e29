"""The plan of a run: from a recipe to its molecules, its trajectories, and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from graphlearn.base.errors import InputError
from graphlearn.base.file_names import file_name
from graphlearn.base.seeds import seeded_generator
from tdddft.dataset.recipe import Distortions, GenerateRecipe
from tdddft.electronic.method import Method
from tdddft.fields.base import Field
from tdddft.molecules.molecule import Molecule
from tdddft.molecules.selection import fingerprint, select, selection_table

ORBITALS_OF_HYDROGEN, ORBITALS_OF_OTHERS = 5, 13
COST_EXPONENT = 2.4  # of the number of orbitals, between malonaldehyde and C7H10O2


@dataclass(frozen=True)
class Plan:
    """What a run is about; made once per run by :func:`plan`.

    Args:
        recipe: Recipe of the data set.
        molecules: All geometries of the data set, in its order.
        chosen: Those that this run is about.
        restricted_to: Ids that the run keeps to; all of the chosen molecules for None.
    """

    recipe: GenerateRecipe
    molecules: Sequence[Molecule]
    chosen: Sequence[Molecule]
    restricted_to: frozenset[str] | None = None

    def only(self, ids: Collection[str]) -> Plan:
        """The plan for these of its trajectories alone."""
        return replace(self, restricted_to=frozenset(ids))

    @cached_property
    def fields(self) -> dict[str, dict[str, Field]]:
        """External field of every trajectory of the run, by id, for each molecule by name."""
        everything = {m.name: trajectory_ids(m, self.recipe) for m in self.chosen}
        keep = self.restricted_to
        return {n: {i: f for i, f in of.items() if keep is None or i in keep} for n, of in everything.items()}

    @property
    def ids(self) -> list[str]:
        """Ids of the trajectories of the run, molecule by molecule."""
        return [identifier for of_molecule in self.fields.values() for identifier in of_molecule]

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of the molecule (:func:`tdddft.molecules.selection.fingerprint`) of each trajectory, by id."""
        return {i: of for m in self.chosen for of in [fingerprint(m)] for i in self.fields[m.name]}

    @property
    def cost(self) -> float:
        """Relative cost of the whole run, see :func:`cost`."""
        return sum(cost(m, len(self.fields[m.name])) for m in self.chosen)

    @property
    def selection(self) -> str:
        """Table of all molecules of the data set, as ``selection.csv`` holds it."""
        return selection_table(self.molecules)


def plan(recipe: GenerateRecipe, *, limit: int | None = None, shard: tuple[int, int] | None = None) -> Plan:
    """Read the molecules of a recipe and choose those of a run.

    Args:
        recipe: Recipe of the data set.
        limit: Only the first molecules.
        shard: Every n-th molecule from the i-th, for (i, n) with i from 1 to n.

    Returns:
        The plan.

    Raises:
        InputError: as for :func:`collect_molecules`.
    """
    molecules = collect_molecules(recipe)
    return Plan(recipe, molecules, select_shard(molecules[:limit], shard))


def collect_molecules(recipe: GenerateRecipe) -> list[Molecule]:
    """All geometries of a recipe.

    Args:
        recipe: Sources, charges, multiplicities and selection.

    Returns:
        The molecules of the data set, in its order.

    Raises:
        InputError: where two share a name, or their names differ in case alone, which many file systems take for one;
            where a charge or multiplicity is given by a name that no molecule has.
    """
    from tdddft.molecules.sources import read_molecules

    everything = [m for source in recipe.molecules for m in read_molecules(source, recipe.charge, recipe.multiplicity)]
    names = {m.name for m in everything}
    for key, numbers in (("charge", recipe.charge), ("multiplicity", recipe.multiplicity)):
        if isinstance(numbers, dict) and (unknown := sorted(set(numbers) - names)):
            raise InputError(f"{key}: the sources have no molecule {', '.join(unknown[:5])}")
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


def select_shard(molecules: Sequence[Molecule], shard: tuple[int, int] | None) -> list[Molecule]:
    """Every n-th molecule from the i-th.

    Args:
        molecules: To choose from.
        shard: (i, n) with i from 1 to n; None for all.

    Returns:
        The molecules of the shard, in their order.
    """
    return list(molecules if shard is None else molecules[shard[0] - 1 :: shard[1]])


def distorted(molecule: Molecule, distortions: Distortions) -> list[Molecule]:
    """Copies with Gaussian displacements of the nuclei, called ``NAME-g1``, ``NAME-g2``, ...

    Args:
        molecule: The given geometry.
        distortions: How many copies, of which molecules, and the standard deviation in angstrom.

    Returns:
        The copies; none where the molecule is not to be distorted.
    """
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
    """The trajectories of a molecule.

    Args:
        molecule: The molecule.
        recipe: Its field section says which fields.

    Returns:
        Id to field: ``NAME_d0`` for the first direction, and so on.
    """
    name = file_name(molecule.name)
    return {f"{name}_d{i}": field for i, field in enumerate(recipe.field.fields(molecule.name))}


def cost(molecule: Molecule, trajectories: int) -> float:
    """Relative cost of trajectories of a molecule: their number times a power of the number of orbitals.

    Args:
        molecule: The molecule.
        trajectories: How many of them.

    Returns:
        The cost; its unit is the same for all molecules.
    """
    heavy = (molecule.numbers > 1).sum()
    orbitals = ORBITALS_OF_OTHERS * heavy + ORBITALS_OF_HYDROGEN * (len(molecule.numbers) - heavy)
    return trajectories * float(orbitals) ** COST_EXPONENT


def check_method(molecules: Sequence[Molecule], method: Method) -> None:
    """Refuse a level of theory that does not cover the molecules.

    Args:
        molecules: All molecules of a run.
        method: Their level of theory.

    Raises:
        InputError: if the functional or the solvent is unknown, an element lacks a basis or pseudopotential, or an
            effective core potential replaces no core of any.
    """
    from tdddft.electronic.core_potentials import check_used
    from tdddft.electronic.functionals.semilocal import check_functional
    from tdddft.electronic.mole import build_mol
    from tdddft.electronic.solvent import describe_solvent

    check_functional(method.functional)
    describe_solvent(method)
    check_used({symbol for molecule in molecules for symbol in molecule.symbols}, method)
    seen: set[str] = set()
    for molecule in molecules:
        if not set(molecule.symbols) <= seen:
            build_mol(molecule, method)
            seen |= set(molecule.symbols)
