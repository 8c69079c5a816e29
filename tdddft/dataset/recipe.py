"""Recipes: every option of a data set in one typed place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, StrictInt, model_serializer, model_validator

from graphlearn.base.recipes.section import RecipeSection
from tdddft.electronic.absorber import Absorber
from tdddft.electronic.method import Method
from tdddft.electronic.method_names import KernelLevel
from tdddft.fields.sections import AnyFieldSection, GaussianPulsesField, PumpProbeField
from tdddft.molecules.selection import Selection


class Distortions(RecipeSection):
    """Further geometries of molecules, by Gaussian displacements of the nuclei."""

    count: int = Field(0, ge=0, description="geometries per molecule beside the given one")
    only: tuple[str, ...] | None = Field(None, description="names of the molecules to distort; all by default")
    sigma_angstrom: float = Field(0.05, gt=0)
    seed: int = Field(0, ge=0)

    def idle(self) -> Mapping[str, str]:
        """Everything else, where there are none."""
        keys = () if self.count else ("only", "sigma_angstrom", "seed")
        return dict.fromkeys(keys, "distortions.count is 0")


class Propagation(RecipeSection):
    """Time stepping and storage."""

    dt_fs: float = Field(0.005, gt=0, description="spacing of the stored field; step of the fixed schemes")
    steps: int = Field(1000, ge=1)
    save_every: int = Field(10, ge=1, description="steps between stored frames")
    precision: Literal["complex64", "complex128"] = "complex64"
    propagator: Literal["adaptive", "linear", "multirate", "midpoint", "extrapolated", "magnus4", "etrs"] = Field(
        "adaptive",
        description="adaptive chooses its steps by dipole_tolerance; linear is right to first order in weak fields, "
        "without a Fock build; the others take steps of dt_fs",
    )
    kernel: KernelLevel = Field(
        "fitted",
        description="of the propagator linear: none, hartree, ris, fitted, or grid (exact, for small molecules)",
    )
    dipole_tolerance: float = Field(1e-4, ge=1e-8, lt=1, description="error of the dipole over its range")
    absorber: Absorber | None = Field(
        None, description="complex absorbing potential, as {start_angstrom: 4, strength_hartree: 0.1}; null for none"
    )
    keep_state: bool = Field(
        True, description="keep the state at the end, from which a trajectory is lengthened; files a quarter larger"
    )

    def idle(self) -> Mapping[str, str]:
        """The tolerance of schemes that take none, the kernel of those that build Fock matrices."""
        reasons = {}
        if self.propagator != "adaptive":
            steps = "makes no Fock build" if self.propagator == "linear" else "takes steps of dt_fs"
            reasons["dipole_tolerance"] = f"propagation.propagator {self.propagator} {steps}"
        if self.propagator != "linear":
            reasons["kernel"] = f"propagation.propagator {self.propagator} builds Fock matrices"
        else:
            reasons["absorber"] = "propagation.propagator linear keeps every electron"
        return reasons

    @model_serializer(mode="wrap")
    def _without_idle(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Also without what was added later where it is the default, so that the hash of a recipe stays what it was."""
        added = {"keep_state": self.keep_state, "absorber": self.absorber is None}
        left_out = {*self.idle(), *(key for key, default in added.items() if default)}
        return {key: value for key, value in handler(self).items() if key not in left_out}

    @model_validator(mode="after")
    def _whole_frames(self) -> Propagation:
        if self.steps % self.save_every:
            raise ValueError(f"steps ({self.steps}) must be a multiple of save_every ({self.save_every})")
        return self


class GenerateRecipe(RecipeSection):
    """A data set of trajectories: molecules x geometries x field directions."""

    schema_version: Literal[1] = 1
    name: str
    molecules: tuple[str, ...] = Field(min_length=1)
    charge: StrictInt | dict[str, StrictInt] | None = Field(
        None, description="of the molecules whose source states none: one number for all, or numbers by name"
    )
    multiplicity: StrictInt | dict[str, StrictInt] | None = Field(
        None,
        description="1 + number of unpaired electrons, of the molecules whose source states none: one number for all, "
        "or numbers by name",
    )
    selection: Selection = Selection()
    distortions: Distortions = Distortions()
    method: Method = Method()
    field: AnyFieldSection = GaussianPulsesField()
    propagation: Propagation = Propagation()

    @model_validator(mode="after")
    def _pump_changes_something(self) -> GenerateRecipe:
        if isinstance(self.field, PumpProbeField) and self.propagation.propagator == "linear":
            raise ValueError(
                "propagation.propagator linear is of first order in the field, where a pump changes nothing"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_idle(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without ``multiplicity`` where it is null, so that the hash of a recipe stays what it was."""
        left_out = {*self.idle(), *(("multiplicity",) if self.multiplicity is None else ())}
        return {key: value for key, value in handler(self).items() if key not in left_out}
