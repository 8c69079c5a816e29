"""The simulations that a model learned from, as far as a new molecule must repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from graphlearn.base.errors import ContractError, InputError
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories
from tdddft.electronic.method import Method
from tdddft.fields.base import Field, GaussianPulses, Kick
from tdddft.trajectory import FieldInfo, MethodInfo

WHERE = "model.json"


@dataclass(frozen=True)
class SimulationSettings:
    """Level of theory, field, times and elements of a training set.

    The level of theory, the field and the times are those of its first trajectory.

    Args:
        method_info: Level of theory as the trajectories name it.
        field_info: External field as the trajectories name it.
        dt_fs: Time between samples of the field, fs.
        steps: Number of these intervals.
        save_every: Intervals between frames.
        elements: Atomic numbers that occur, in order; None in models that do not say.
    """

    method_info: MethodInfo
    field_info: FieldInfo
    dt_fs: float
    steps: int
    save_every: int
    elements: tuple[int, ...] | None = None

    @classmethod
    def from_dataset(cls, data: TDDFTTrajectories) -> SimulationSettings:
        """The settings of a training set."""
        first = data.raw(0, frames=2)
        fine = first.field_times_fs[1] - first.field_times_fs[0]
        return cls(
            method_info=first.method,
            field_info=first.field,
            dt_fs=round(float(fine), 9),
            steps=len(first.field_times_fs) - 1,
            save_every=round(float((first.times_fs[1] - first.times_fs[0]) / fine)),
            elements=tuple(
                sorted({int(z) for i in range(len(data)) for z in np.unique(data.raw(i, frames=1).numbers)})
            ),
        )

    @classmethod
    def from_model(cls, card: Mapping[str, Any]) -> SimulationSettings:
        """The settings that ``model.json`` holds.

        Args:
            card: What the file holds.

        Returns:
            The settings.

        Raises:
            ContractError: for a model that was saved without them, or with others.
        """
        if "simulation" not in card:
            raise ContractError(
                f"{WHERE} does not say what simulations the model learned from; roll out from a trajectory file instead"
            )
        try:
            known = dict(card["simulation"])
            elements = known.get("elements")
            return cls(
                method_info=MethodInfo.model_validate(known.get("method", {})),
                field_info=FieldInfo.from_dict(known["field"]),
                dt_fs=known["dt_fs"], steps=known["steps"], save_every=known["save_every"],
                elements=None if elements is None else tuple(int(z) for z in elements),
            )  # fmt: skip
        except (ValidationError, InputError, KeyError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ContractError(f"{WHERE}: the simulations that it names cannot be used ({reason})") from None

    @property
    def method(self) -> Method:
        """The level of theory; ContractError where the model names none that this version knows."""
        return self.method_info.to_method(WHERE)

    @property
    def field(self) -> Field:
        """The external field; ContractError where the model names none."""
        if self.field_info.source is None:
            raise ContractError(f"{WHERE} does not hold the field of the simulations; roll out from a trajectory file")
        return self.field_info.source

    def field_with(self, direction: tuple[float, float, float] | None, strength: float) -> Field:
        """The field of the training set, turned and scaled.

        Args:
            direction: New direction; None leaves it.
            strength: Factor of its strength.

        Returns:
            The field.

        Raises:
            InputError: for a field that has no single direction, or no amplitude.
        """
        field = self.field
        if direction is not None:
            if not isinstance(field, Kick | GaussianPulses):
                raise InputError(f"the field of the training set, {_kind(field)}, has no single direction to turn")
            field = field.turned(direction)
        if strength != 1.0:
            if not isinstance(field, Kick | GaussianPulses):
                raise InputError(f"the field of the training set, {_kind(field)}, has no amplitude to scale")
            field = field.scaled(strength)
        return field

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``model.json``."""
        return {
            "method": self.method_info.to_dict(),
            "field": self.field_info.to_dict(),
            "dt_fs": self.dt_fs,
            "steps": self.steps,
            "save_every": self.save_every,
            "elements": None if self.elements is None else list(self.elements),
        }


def _kind(field: Field) -> str:
    return str(getattr(field, "kind", type(field).__name__))
