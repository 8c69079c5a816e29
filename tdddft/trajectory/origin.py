"""The molecule and the level of theory behind a trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from graphlearn.base.errors import ContractError
from graphlearn.base.recipes.section import STORED
from tdddft.electronic.method import Method
from tdddft.molecules.molecule import Molecule
from tdddft.trajectory.trajectory import Trajectory


def molecule_of(trajectory: Trajectory) -> tuple[Molecule, Method]:
    """The molecule and the level of theory that a trajectory was made with.

    Raises:
        ContractError: if the file does not name a level of theory that this version knows.
    """
    t, facts = trajectory, trajectory.info.get("molecule", {})
    method = method_of(t.info.get("basis"), f"{t.name}: the file")
    charge, source = facts.get("charge", 0), str(facts.get("source", ""))
    return Molecule(t.name, t.numbers, t.positions_angstrom, charge, source, facts.get("smiles")), method


def method_of(facts: object, where: str) -> Method:
    """The level of theory that a trajectory file or ``model.json`` names; what else stands there is left out.

    Raises:
        ContractError: with ``where`` in front, if it names none that this version knows.
    """
    if not isinstance(facts, Mapping) or not facts:
        raise ContractError(f"{where} does not name its level of theory")
    known: dict[str, Any] = {k: v for k, v in facts.items() if k in Method.model_fields}
    try:
        return Method.model_validate(known, context={STORED: True})
    except ValidationError as error:
        first = error.errors()[0]
        raise ContractError(
            f"{where} names no level of theory that can be used: "
            f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'].removeprefix('Value error, ')}"
        ) from None
