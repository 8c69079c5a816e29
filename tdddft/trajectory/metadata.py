"""What a trajectory file says beside its arrays: one class per group, units in the names.

A file of another code may hold further keys; they are kept as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field as Described, StrictBool, StrictFloat, StrictInt, ValidationError

from graphlearn.base.errors import ContractError
from graphlearn.base.recipes.section import STORED
from tdddft.electronic.method import Method
from tdddft.fields.base import Field
from tdddft.fields.serialization import field_from_dict, field_to_dict, has_parameters
from tdddft.molecules.molecule import Molecule

if TYPE_CHECKING:
    from tdddft.trajectory.contract import Trajectory

Names = str | dict[str, str]
Vector = Annotated[tuple[StrictFloat, StrictFloat, StrictFloat], Described(strict=False)]


class Metadata(BaseModel):
    """One group of a trajectory file, a JSON object in its attribute ``info``."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the keys that were given."""
        return self.model_dump(mode="json", exclude_unset=True)


class MoleculeInfo(Metadata):
    """The molecule, beside its atomic numbers and positions."""

    name: str = Described("molecule", description="name, printable", pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")
    charge: StrictInt = Described(0, description="total charge, e")
    multiplicity: StrictInt = Described(1, ge=1, description="spin multiplicity, 1 + number of unpaired electrons")
    ghosts: Annotated[tuple[StrictInt, ...], Described(strict=False)] = Described(
        (), description="which atoms are ghosts: basis functions of the element, without nucleus and electrons"
    )
    source: str = Described("", description="where the geometry came from")
    smiles: str | None = Described(None, description="SMILES string, if known")

    @classmethod
    def of(cls, molecule: Molecule) -> MoleculeInfo:
        """What a file says of a molecule; the multiplicity where electrons are unpaired."""
        found = cls(name=molecule.name, charge=molecule.charge, source=molecule.source, smiles=molecule.smiles)
        unusual = {"multiplicity": molecule.multiplicity} if molecule.multiplicity != 1 else {}
        return found.model_copy(update={**unusual, **({"ghosts": molecule.ghosts} if molecule.ghosts else {})})


class MethodInfo(Metadata):
    """The level of theory by the names that the writer gave; :meth:`to_method` checks them.

    The further keys are those of :class:`tdddft.Method`.
    """

    functional: str | None = Described(None, description="exchange-correlation functional, a libxc name; HF")
    basis: Names | None = Described(None, description="basis set, PySCF's name, or names by element")
    basis_functions: dict[str, Any] | None = Described(
        None, description="shells by element in place of names, as of `method.basis_functions` of a recipe"
    )
    pseudopotential: Names | None = Described(None, description="GTH pseudopotential; null for none")
    ecp: Names | None = Described(None, description="effective core potential; null for that of the basis, if any")

    def to_method(self, where: str) -> Method:
        """The level of theory as this version computes it; keys that it does not know are left out.

        Args:
            where: What names it, for messages.

        Returns:
            The section of a recipe.

        Raises:
            ContractError: with ``where`` in front, if it is none that this version knows.
        """
        known = {key: value for key, value in self.to_dict().items() if key in Method.model_fields}
        if not self.model_fields_set:
            raise ContractError(f"{where} does not name its level of theory")
        try:
            return Method.model_validate(known, context={STORED: True})
        except ValidationError as error:
            raise ContractError(f"{where} names no level of theory that can be used: {first_error(error)}") from None


class GroundStateInfo(Metadata):
    """How the ground state was found, and what its arrays leave out."""

    nuclear_dipole_au: Vector = Described(description="dipole of the nuclei or ions relative to the origin, e bohr")
    converged: StrictBool = Described(False, description="whether the SCF converged")
    ion_charges: Annotated[tuple[StrictInt | StrictFloat, ...], Described(strict=False)] | None = Described(
        None, description="charge of each nucleus, without the core that a pseudopotential replaces, e"
    )
    energy_hartree: StrictFloat | None = Described(None, description="total energy of the ground state, hartree")
    scf_solver: str | None = Described(None, description="solver that converged it")
    scf_cycles: StrictInt | None = Described(None, description="diagonalisations by that solver")
    solvent: str | None = Described(None, description="continuum around the molecule, and what of it follows the field")
    auxiliary_functions: StrictInt | None = Described(None, description="functions of the density-fitting basis")
    dropped_by_linear_dependence: StrictInt | None = Described(None, description="orbitals that the basis lost")
    linear_dependence_threshold: StrictFloat | None = Described(
        None, description="eigenvalue of the overlap below which they are lost"
    )


class Provenance(Metadata):
    """What made the trajectory: a simulation or a model."""

    id: str | None = Described(None, description="id in its data set")
    recipe_hash: str | None = Described(None, description="hash of the recipe of its data set")
    propagator: str | None = Described(None, description="scheme of the propagation")
    absorber: dict[str, StrictFloat] | None = Described(
        None, description="complex absorbing potential: start_angstrom, width_angstrom, strength_hartree; null for none"
    )
    dt_fs: StrictFloat | None = Described(None, description="time between field samples, fs")
    steps: StrictInt | None = Described(None, description="number of these intervals")
    save_every: StrictInt | None = Described(None, description="intervals between frames")
    lengthened_at: Annotated[tuple[StrictInt, ...], Described(strict=False)] = Described(
        (), description="numbers of intervals at which the run had ended before it was lengthened"
    )
    versions: dict[str, str] = Described({}, description="versions of the packages that mattered")
    device: str | None = Described(None, description="torch device of the propagation")
    batch: StrictInt | None = Described(None, description="molecules propagated side by side")
    fock_builds: StrictInt | None = Described(None, description="Fock builds of the propagation")
    wall_seconds: StrictFloat | None = Described(None, description="time of the propagation, s")
    ground_state_seconds: StrictFloat | None = Described(None, description="time of the ground state, s")
    model: str | None = Described(None, description="class of the model that predicted it")
    recipe: str | None = Described(None, description="name of the recipe that the model was trained with")
    weights_sha256: str | None = Described(None, description="SHA-256 of the weights, model.safetensors")


@dataclass(frozen=True)
class FieldInfo:
    """The external field.

    Args:
        source: The field, where the file holds its parameters (``kind`` and the parameters of that class).
        custom: Name of a class or function of the user's own, which a file cannot hold.
    """

    source: Field | None = None
    custom: str | None = None

    @classmethod
    def of(cls, field: Field) -> FieldInfo:
        """What a file keeps of a field."""
        return cls(field) if has_parameters(field) else cls(custom=str(getattr(field, "name", "sum")))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FieldInfo:
        """The inverse of :meth:`to_dict`.

        Args:
            data: Plain data.

        Returns:
            The field; empty where the data name none.

        Raises:
            InputError: for parameters that make no field.
        """
        if "kind" in data:
            return cls(field_from_dict(data))
        return cls(custom=None if data.get("custom") is None else str(data["custom"]))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        if self.source is not None:
            return field_to_dict(self.source)
        return {} if self.custom is None else {"custom": self.custom}


def level_of_theory(trajectory: Trajectory) -> tuple[Molecule, Method]:
    """The molecule and the level of theory that a trajectory was made with.

    Args:
        trajectory: Of any kind.

    Returns:
        The molecule, and the level of theory as a section of a recipe.

    Raises:
        ContractError: if the file does not name a level of theory that this version knows.
    """
    t, about = trajectory, trajectory.molecule
    method = t.method.to_method(f"{t.name}: the file")
    molecule = Molecule(
        t.name, t.numbers, t.positions_angstrom, about.charge, about.source, about.smiles,
        multiplicity=about.multiplicity, ghosts=about.ghosts,
    )  # fmt: skip
    return molecule, method


def first_error(error: ValidationError) -> str:
    """Key and message of the first thing that is wrong."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'].removeprefix('Value error, ')}"
