"""The molecule and the level of theory behind a trajectory."""

from __future__ import annotations

from pydantic import ValidationError

from tdddft.errors import ContractError
from tdddft.molecule import Molecule
from tdddft.recipe import Method
from tdddft.trajectory import Trajectory


def molecule_of(trajectory: Trajectory) -> tuple[Molecule, Method]:
    """The molecule and the level of theory that a trajectory was made with.

    Raises:
        ContractError: if the file does not name a level of theory that this version knows.
    """
    t, facts = trajectory, trajectory.info.get("molecule", {})
    try:
        known = {k: v for k, v in t.info["basis"].items() if k in Method.model_fields}
        method = Method.model_validate(known)
    except (KeyError, ValidationError) as error:
        raise ContractError(f"{t.name}: the file does not name its level of theory ({error})") from None
    charge, source = int(facts.get("charge", 0)), str(facts.get("source", ""))
    return Molecule(t.name, t.numbers, t.positions_angstrom, charge, source, facts.get("smiles")), method
