"""The external field of a recipe: one class per kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, Tag, field_validator, model_validator

from graphlearn.base.recipes.section import RecipeSection, kind_of
from graphlearn.base.seeds import seeded_generator
from tdddft.fields.base import Field as FieldLike, GaussianPulses, Kick, unit_vector
from tdddft.fields.pump_probe import probe_pulse, pump_center_fs
from tdddft.fields.sampled import read_field
from tdddft.fields.serialization import FieldSum, field_from_dict

Direction = tuple[float, float, float]


class FieldSection(RecipeSection):
    """What every kind of field has."""

    @abstractmethod
    def fields(self, name: str) -> list[FieldLike]:
        """One field per direction for the geometry of this name; a single one for sums and files."""


class DirectedField(FieldSection):
    """A field along directions: one trajectory each."""

    directions: tuple[Direction, ...] | Literal["random"] = Field(
        ((0.0, 0.0, 1.0),), description="vectors, or 'random': one uniform direction per geometry"
    )
    direction_seed: int = Field(0, ge=0)

    def idle(self) -> Mapping[str, str]:
        """The seed, where nothing is drawn."""
        return {} if self.directions == "random" else {"direction_seed": "directions are given, not random"}

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
    def _makes_fields(self) -> DirectedField:
        self.fields("any")
        return self

    @abstractmethod
    def along(self, direction: Direction) -> FieldLike:
        """The field in one direction."""

    def fields(self, name: str) -> list[FieldLike]:
        """One field per direction for the geometry of this name."""
        directions = self.directions
        if directions == "random":
            vector = seeded_generator(self.direction_seed, name).normal(size=3)
            x, y, z = (vector / np.linalg.norm(vector)).tolist()
            directions = ((x, y, z),)
        return [self.along(direction) for direction in directions]


class GaussianPulsesField(DirectedField):
    """A sum of cosines under one Gaussian envelope; the defaults are the two pulses of the OrbEvo paper."""

    kind: Literal["gaussian_pulses"] = "gaussian_pulses"
    amplitude_v_per_angstrom: float = 0.01
    frequencies_per_fs: tuple[float, ...] = (3.66, 1.22)
    sigma_fs: float = Field(0.2, gt=0)
    center_fs: float = 0.75

    def along(self, direction: Direction) -> FieldLike:
        """The pulses in one direction."""
        return GaussianPulses(
            direction, self.amplitude_v_per_angstrom, self.frequencies_per_fs, self.sigma_fs, self.center_fs
        )


class OrbEvoField(DirectedField):
    """The two Gaussian pulses of the OrbEvo paper."""

    kind: Literal["orbevo"]

    def along(self, direction: Direction) -> FieldLike:
        """The pulses in one direction."""
        return GaussianPulses(direction)


class KickField(DirectedField):
    """A delta kick at t = 0."""

    kind: Literal["kick"]
    kick_strength_au: float = 1e-3

    def along(self, direction: Direction) -> FieldLike:
        """The kick in one direction."""
        return Kick(self.kick_strength_au, direction)


class SumField(FieldSection):
    """Several fields at once."""

    kind: Literal["sum"]
    terms: tuple[dict[str, Any], ...] = Field(
        min_length=1, description="fields to add up, as {kind: laser, photon_energy_ev: 3.1, envelope: sin2, ...}"
    )

    @field_validator("kind", mode="before")
    @classmethod
    def _former_word(cls, value: Any) -> Any:
        return "sum" if value == "terms" else value

    @model_validator(mode="after")
    def _makes_fields(self) -> SumField:
        self.fields("any")
        return self

    def fields(self, name: str) -> list[FieldLike]:
        """The sum of the terms."""
        return [FieldSum(tuple(field_from_dict(term, strict=True) for term in self.terms))]


class FileField(FieldSection):
    """A field of a file."""

    kind: Literal["file"]
    file: str = Field(description="a CSV file with time, Ex, Ey, Ez and units in its header")

    def fields(self, name: str) -> list[FieldLike]:
        """The samples of the file."""
        return [read_field(self.file)]


class PumpProbeField(FieldSection):
    """A pump alone, a weak probe alone, and both together at every delay: one trajectory each."""

    kind: Literal["pump_probe"]
    pump: dict[str, Any] = Field(description="a field, as {kind: laser, photon_energy_ev: 8.0, duration_fs: 4.0, ...}")
    delays_fs: tuple[float, ...] = Field(
        min_length=1, description="from the centre of the pump to that of the probe, fs"
    )
    probe_directions: tuple[Direction, ...] = Field(((0.0, 0.0, 1.0),), min_length=1)
    probe_strength_au: float = Field(1e-3, gt=0, description="impulse of the probe, as that of a kick")
    probe_sigma_fs: float = Field(0.02, gt=0, description="width of the probe, a Gaussian without a carrier, fs")

    @model_validator(mode="after")
    def _makes_fields(self) -> PumpProbeField:
        self.fields("any")
        return self

    def fields(self, name: str) -> list[FieldLike]:
        """The pump, the probe along each direction at the first delay, and both by direction and delay."""
        pump = field_from_dict(self.pump, strict=True)
        center = pump_center_fs(pump)
        every = [
            [
                probe_pulse(self.probe_strength_au, direction, center + delay, self.probe_sigma_fs)
                for delay in self.delays_fs
            ]
            for direction in self.probe_directions
        ]
        both = [FieldSum((pump, probe)) for probes in every for probe in probes]
        return [pump, *(probes[0] for probes in every), *both]


AnyFieldSection = Annotated[
    Annotated[GaussianPulsesField, Tag("gaussian_pulses")]
    | Annotated[OrbEvoField, Tag("orbevo")]
    | Annotated[KickField, Tag("kick")]
    | Annotated[SumField, Tag("sum")]
    | Annotated[SumField, Tag("terms")]  # former word
    | Annotated[FileField, Tag("file")]
    | Annotated[PumpProbeField, Tag("pump_probe")],
    kind_of("gaussian_pulses"),
]
