"""Recipes: every option of a data set in one typed place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from tdddft.field_sections import AnyFieldSection, GaussianPulsesField
from tdddft.method_names import functional_name, is_gth_basis, names_or_name
from tdddft.recipe_section import Strict


class Method(Strict):
    """Level of theory of the ground state and of the propagation."""

    functional: str = Field(
        "PBE",
        description="libxc name as PySCF takes it: PBE, B3LYP, TPSS, LDA,VWN (LDA alone is exchange only), ...; HF",
    )
    basis: str | dict[str, str] = Field(
        "gth-dzvp", description="PySCF name of a Gaussian basis, or names by element: {default: gth-dzvp, O: gth-tzvp}"
    )
    pseudopotential: str | dict[str, str] | None = Field(
        "gth-pbe",
        description="PySCF name of a GTH pseudopotential, or names by element; null, also where a basis that is no GTH "
        "basis is given alone, for all electrons or the core potential of the basis",
    )
    ecp: str | dict[str, str] | None = Field(
        None,
        description="PySCF name of an effective core potential, or names by element; null: the one that the basis was "
        "made with, if any",
    )
    grid_level: int = Field(3, ge=0, le=9, description="integration grid of the ground state")
    response_grid: Literal["coarse", "medium", "fine"] | Annotated[int, Field(ge=0, le=9)] = Field(
        "medium", description="integration grid of the change of the Fock matrix; an integer is a PySCF level"
    )
    response_precision: Literal["float32", "float64"] = Field(
        "float32", description="of the matrix products that give the change of the Fock matrix"
    )
    density_fitting: bool = Field(True, description="fit the Coulomb interaction; false takes exact integrals")
    scf_tolerance_hartree: float = Field(1e-11, gt=0)
    scf_max_cycles: int = Field(100, ge=1)

    @field_validator("functional")
    @classmethod
    def _functional(cls, value: str) -> str:
        return functional_name(value)

    @field_validator("basis", "pseudopotential", "ecp")
    @classmethod
    def _names(cls, value: Any, info: ValidationInfo) -> Any:
        return value if value is None else names_or_name(str(info.field_name), value)

    @model_validator(mode="before")
    @classmethod
    def _before(cls, data: Any) -> Any:
        if isinstance(data, dict) and "basis_file" in data:
            raise ValueError("basis_file: files with basis sets are not read; give method.basis a name of PySCF's")
        if isinstance(data, dict) and "basis" in data and "pseudopotential" not in data:
            names = data["basis"].values() if isinstance(data["basis"], dict) else [data["basis"]]
            if not any(isinstance(name, str) and is_gth_basis(name) for name in names):
                return {**data, "pseudopotential": None}
        return data

    def idle(self) -> Mapping[str, str]:
        """The integration grids, where there is no density functional."""
        keys = ("grid_level", "response_grid") if self.functional.upper() == "HF" else ()
        return dict.fromkeys(keys, "Hartree-Fock takes no integration grid")

    @model_serializer(mode="wrap")
    def _without_idle(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Also without ``ecp`` where it is null, so that the hash of a recipe without one stays what it was."""
        left_out = {*self.idle(), *(() if self.ecp is not None else ("ecp",))}
        return {key: value for key, value in handler(self).items() if key not in left_out}


class Selection(Strict):
    """Which molecules of the sources to take; all by default."""

    elements: tuple[str, ...] | None = Field(None, description="only molecules of these elements")
    min_atoms: int = Field(1, ge=1)
    max_atoms: int | None = Field(None, ge=1)
    min_heavy_atoms: int = Field(0, ge=0)
    max_heavy_atoms: int | None = Field(None, ge=0)
    indices: tuple[int, ...] | str | None = Field(
        None, description="frames of a file or numbers of QM9; or the name of a text file that lists them"
    )
    count: int | None = Field(None, ge=1, description="draw so many at random, in random order")
    seed: int = Field(0, ge=0, description="of the draw")

    def idle(self) -> Mapping[str, str]:
        """The seed, where nothing is drawn."""
        return {"seed": "nothing is drawn without selection.count"} if self.count is None else {}


class Distortions(Strict):
    """Further geometries of molecules, by Gaussian displacements of the nuclei."""

    count: int = Field(0, ge=0, description="geometries a molecule beside the given one")
    only: tuple[str, ...] | None = Field(None, description="names of the molecules to distort; all by default")
    sigma_angstrom: float = Field(0.05, gt=0)
    seed: int = Field(0, ge=0)

    def idle(self) -> Mapping[str, str]:
        """Everything else, where there are none."""
        keys = () if self.count else ("only", "sigma_angstrom", "seed")
        return dict.fromkeys(keys, "distortions.count is 0")


class Propagation(Strict):
    """Time stepping and storage."""

    dt_fs: float = Field(0.005, gt=0, description="spacing of the stored field; step of the fixed schemes")
    steps: int = Field(1000, ge=1)
    save_every: int = Field(10, ge=1, description="steps between stored frames")
    precision: Literal["complex64", "complex128"] = "complex64"
    propagator: Literal["adaptive", "multirate", "midpoint", "extrapolated", "magnus4", "etrs"] = Field(
        "adaptive", description="adaptive chooses its steps by dipole_tolerance; the others take steps of dt_fs"
    )
    dipole_tolerance: float = Field(1e-4, ge=1e-8, lt=1, description="error of the dipole over its range")

    def idle(self) -> Mapping[str, str]:
        """The tolerance of schemes that take steps of dt_fs."""
        if self.propagator == "adaptive":
            return {}
        return {"dipole_tolerance": f"propagation.propagator {self.propagator} takes steps of dt_fs"}

    @model_validator(mode="after")
    def _whole_frames(self) -> Propagation:
        if self.steps % self.save_every:
            raise ValueError(f"steps ({self.steps}) must be a multiple of save_every ({self.save_every})")
        return self


class GenerateRecipe(Strict):
    """A data set of trajectories: molecules x geometries x field directions."""

    schema_version: Literal[1] = 1
    name: str
    molecules: tuple[str, ...] = Field(min_length=1)
    charge: StrictInt | dict[str, StrictInt] | None = Field(
        None, description="of the molecules whose source states none: one number for all, or numbers by name"
    )
    selection: Selection = Selection()
    distortions: Distortions = Distortions()
    method: Method = Method()
    field: AnyFieldSection = GaussianPulsesField()
    propagation: Propagation = Propagation()
