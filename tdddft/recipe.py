"""Recipes: every option of a data set in one typed place."""

from __future__ import annotations

import zlib
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictInt, ValidationInfo, field_validator, model_validator

from tdddft.field import Field as FieldLike, GaussianPulses, Kick, unit_vector
from tdddft.field_data import FieldSum, field_from_dict
from tdddft.method_names import functional_name, names_or_name
from tdddft.recipe_files import Strict
from tdddft.sampled_field import read_field


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
        "gth-pbe", description="PySCF name of a GTH pseudopotential, or names by element; null for all electrons"
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

    @field_validator("basis", "pseudopotential")
    @classmethod
    def _names(cls, value: Any, info: ValidationInfo) -> Any:
        return value if value is None else names_or_name(str(info.field_name), value)

    @model_validator(mode="before")
    @classmethod
    def _no_file(cls, data: Any) -> Any:
        if isinstance(data, dict) and "basis_file" in data:
            raise ValueError("basis_file: files with basis sets are not read; give method.basis a name of PySCF's")
        return data


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


class Distortions(Strict):
    """Further geometries of molecules, by Gaussian displacements of the nuclei."""

    count: int = Field(0, ge=0, description="geometries a molecule beside the given one")
    only: tuple[str, ...] | None = Field(None, description="names of the molecules to distort; all by default")
    sigma_angstrom: float = Field(0.05, gt=0)
    seed: int = Field(0, ge=0)


class FieldSection(Strict):
    """The external field; one trajectory a direction."""

    kind: Literal["gaussian_pulses", "orbevo", "kick", "terms", "file"] = Field(
        "gaussian_pulses", description="orbevo: the two Gaussian pulses of the OrbEvo paper, whatever the numbers below"
    )
    directions: tuple[tuple[float, float, float], ...] | Literal["random"] = Field(
        ((0.0, 0.0, 1.0),), description="vectors, or 'random': one uniform direction a geometry"
    )
    direction_seed: int = Field(0, ge=0)
    amplitude_v_per_angstrom: float = 0.01
    frequencies_per_fs: tuple[float, ...] = (3.66, 1.22)
    sigma_fs: float = Field(0.2, gt=0)
    center_fs: float = 0.75
    kick_strength_au: float = 1e-3
    terms: tuple[dict[str, Any], ...] = Field(
        (), description="kind: terms: fields to add up, as {kind: laser, photon_energy_ev: 3.1, envelope: sin2, ...}"
    )
    file: str | None = Field(None, description="kind: file: a CSV file with time, Ex, Ey, Ez and units in its header")

    @field_validator("directions")
    @classmethod
    def _usable(cls, value: Any) -> Any:
        if value != "random":
            if not value:
                raise ValueError("give at least one direction")
            for direction in value:
                unit_vector(direction)
        return value

    @model_validator(mode="after")
    def _complete(self) -> FieldSection:
        if (self.kind == "terms") != bool(self.terms) or (self.kind == "file") != (self.file is not None):
            raise ValueError("kind: terms goes with a list of terms, kind: file with the name of a file")
        if self.kind in ("terms", "file") and self.directions != type(self).model_fields["directions"].default:
            raise ValueError(f"kind: {self.kind} has its own directions; leave field.directions out")
        if self.kind != "file":
            self.fields("any")
        return self

    def fields(self, name: str) -> list[FieldLike]:
        """One field a direction for the geometry of this name; one in all for terms and files."""
        if self.kind == "terms":
            return [FieldSum(tuple(field_from_dict(term) for term in self.terms))]
        if self.kind == "file":
            return [read_field(str(self.file))]
        directions = self.directions
        if directions == "random":
            vector = seeded_generator(self.direction_seed, name).normal(size=3)
            x, y, z = (vector / np.linalg.norm(vector)).tolist()
            directions = ((x, y, z),)
        if self.kind == "kick":
            return [Kick(self.kick_strength_au, d) for d in directions]
        if self.kind == "orbevo":
            return [GaussianPulses(d) for d in directions]
        return [
            GaussianPulses(d, self.amplitude_v_per_angstrom, self.frequencies_per_fs, self.sigma_fs, self.center_fs)
            for d in directions
        ]


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
    field: FieldSection = FieldSection()
    propagation: Propagation = Propagation()


def seeded_generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers that depend on the seed and the name alone, not on what else is in the data set."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
