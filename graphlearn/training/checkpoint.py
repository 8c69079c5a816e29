"""Models on disk: JSON beside safetensors, never a pickle."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_text
from graphlearn.base.plain_data import read_json
from graphlearn.base.provenance import package_versions
from graphlearn.models import HistographGNN, OrbEvo, OrbitalModel, ProteinRPN, ResponseOrbEvo
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.training.building import build_network
from graphlearn.training.weights import load_weights, read_shapes, reason, save_tensors

__all__ = ["load_model", "load_orbevo", "model_class", "save_model"]
SCHEMA_VERSION = 1
MODELS = {m.__name__: m for m in (OrbEvo, ResponseOrbEvo, HistographGNN, ProteinRPN)}
M = TypeVar("M", bound=nn.Module)


def save_model(folder: Path, model: OrbitalModel | HistographGNN | ProteinRPN, facts: dict[str, Any]) -> None:
    """Write ``model.json`` (class, arguments, facts, versions) and ``model.safetensors``."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / "model.safetensors", dict(model.state_dict()))
    description = {
        "schema_version": SCHEMA_VERSION,
        "class": type(model).__name__,
        "arguments": model.config,
        "versions": package_versions(),
        **facts,
    }
    replace_text(folder / "model.json", json.dumps(_without_nan(description), indent=2, allow_nan=False))


def load_model(folder: str | os.PathLike[str], *kinds: type[M]) -> tuple[M, dict[str, Any]]:
    """Read a model folder: the model in evaluation mode, and ``model.json``.

    Args:
        folder: Written by :func:`save_model`.
        kinds: The classes that the model may have, for example :class:`graphlearn.models.OrbEvo`; all by default.

    Raises:
        InputError: if the folder holds no model, or one of another class.
        ContractError: for another schema version, an unknown class, or weights that do not fit.
    """
    folder = Path(folder)
    description = _describe(folder)
    wanted: dict[str, Any] = {kind.__name__: kind for kind in kinds or MODELS.values()}
    name = description["class"]
    if name not in wanted:
        raise InputError(f"{folder} holds a model of class {name}; this needs {' or '.join(wanted)}")
    weights = folder / "model.safetensors"
    try:
        model = build_network(wanted[name], description["arguments"], shapes=read_shapes(weights))
        load_weights(model, weights)
    except (ContractError, InputError) as error:
        raise _damaged(folder, error) from None
    return model.eval(), description


def model_class(folder: str | os.PathLike[str]) -> str:
    """Class of the stored model, without reading its weights.

    Raises:
        InputError: if the folder holds no model.
        ContractError: for a damaged ``model.json``, another schema version or an unknown class.
    """
    return str(_describe(Path(folder))["class"])


def _describe(folder: Path) -> dict[str, Any]:
    """``model.json``, of a version and class that are known."""
    file = folder / "model.json"
    if not file.is_file():
        raise InputError(f"{folder} holds no model (no model.json); train one with 'graphlearn train'")
    try:
        description: dict[str, Any] = read_json(file)
        version, name = description["schema_version"], description["class"]
        if not isinstance(description["arguments"], dict):
            raise TypeError("the arguments are no table")
        known = name in MODELS
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, error) from None
    if version != SCHEMA_VERSION:
        raise ContractError(f"{file}: schema version {str(version)[:20]}, this graphlearn reads {SCHEMA_VERSION}")
    if not known:
        raise ContractError(f"{file}: unknown model class {str(name)[:80]!r}; known: {', '.join(MODELS)}")
    return description


def load_orbevo(folder: str | os.PathLike[str]) -> tuple[OrbitalModel, Normalizer, dict[str, Any]]:
    """Read a model of orbitals, its normalisation, and ``model.json``; raises as :func:`load_model`."""
    model, description = load_model(folder, OrbEvo, ResponseOrbEvo)
    assert isinstance(model, OrbitalModel)
    try:
        return model, _normalizer(description["normalizer"]), description
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(Path(folder), error) from None


def _normalizer(facts: dict[str, Any]) -> Normalizer:
    """Units of the network, which are positive."""
    units = Normalizer(**facts)
    for name, value in units.to_dict().items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(f"normalizer.{name} is {str(value)[:20]}")
    return units


def _without_nan(value: Any) -> Any:
    """The same, with None for numbers that are not finite: JSON has no others."""
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _damaged(folder: Path, error: Exception) -> ContractError:
    text = reason(error).removeprefix(f"{folder}{os.sep}")
    return ContractError(f"{folder}: damaged model ({text}); copy or train it again")
