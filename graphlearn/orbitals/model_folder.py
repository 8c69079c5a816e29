"""Models of orbitals on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from graphlearn.models import OrbitalModel
from graphlearn.models.registry import find_model
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.orbitals.simulation import SimulationSettings
from graphlearn.training.card import ModelCard
from graphlearn.training.checkpoint import load_model


class OrbitalCard(ModelCard):
    """The card of a model of orbitals.

    Attributes:
        normalizer: Units of the network.
        trained_on: Ids of the trajectories that it learned from.
        validated_on: Ids of those that chose its weights.
        simulation: The simulations that it learned from, see :attr:`settings`; None where an old card does not say.
    """

    normalizer: Normalizer
    trained_on: tuple[str, ...] = ()
    validated_on: tuple[str, ...] = ()
    simulation: dict[str, Any] | None = None

    @field_validator("normalizer", mode="before")
    @classmethod
    def _positive(cls, given: Any) -> Any:
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ValueError(f"normalizer.{name} is {str(value)[:20]}")
        try:
            return Normalizer(**given) if isinstance(given, Mapping) else given
        except TypeError as error:
            raise ValueError(str(error)) from None

    @property
    def settings(self) -> SimulationSettings:
        """The simulations that the model learned from.

        Raises:
            ContractError: for a model that was saved without them, or with others.
        """
        return SimulationSettings.from_model({} if self.simulation is None else {"simulation": self.simulation})


def load_orbital_model(
    folder: str | os.PathLike[str], own_class: str | None = None
) -> tuple[OrbitalModel, Normalizer, OrbitalCard]:
    """Read a model of orbitals.

    Args:
        folder: Of the model.
        own_class: ``package.module:Class`` of the user's own, which the card must name too; its code is run.

    Returns:
        The model in evaluation mode, its units, and its card.

    Raises:
        InputError: if the folder holds no model, or one of another class.
        ContractError: for a damaged model, or an unknown version or class.
    """
    kind = OrbitalModel if own_class is None else find_model(own_class, OrbitalModel, allow_code=True)
    model, card = load_model(folder, kind, card=OrbitalCard)
    return model, card.normalizer, card
