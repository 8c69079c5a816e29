"""The simulations that a model learned from, as far as a new molecule must repeat them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlearn.base.errors import ContractError
from graphlearn.orbitals.data.trajectories import TDDFTTrajectories


def simulation_of(data: TDDFTTrajectories) -> dict[str, Any]:
    """Level of theory, field, times and elements of a training set; JSON-able.

    The level of theory, the field and the times are those of its first trajectory.
    """
    first = data.raw(0, frames=2)
    fine = first.field_times_fs[1] - first.field_times_fs[0]
    return {
        "method": dict(first.info.get("basis", {})),
        "field": dict(first.info.get("field", {})),
        "dt_fs": round(float(fine), 9),
        "steps": len(first.field_times_fs) - 1,
        "save_every": round(float((first.times_fs[1] - first.times_fs[0]) / fine)),
        "elements": sorted({int(z) for i in range(len(data)) for z in np.unique(_numbers(data, i))}),
    }


def simulation_in(facts: dict[str, Any]) -> dict[str, Any]:
    """What :func:`simulation_of` wrote into ``model.json``.

    Raises:
        ContractError: for a model that was saved without it.
    """
    if "simulation" not in facts:
        raise ContractError(
            "model.json does not say what simulations the model learned from; roll out from a trajectory file instead"
        )
    return dict(facts["simulation"])


def _numbers(data: TDDFTTrajectories, index: int) -> np.ndarray:
    return data.raw(index, frames=1).numbers
