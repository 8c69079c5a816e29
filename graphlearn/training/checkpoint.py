"""Models on disk: JSON beside safetensors, never a pickle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from graphlearn.datasets.batch import Normalizer
from graphlearn.models import HistographGNN, OrbEvo, OrbitalModel, ProteinRPN, ResponseOrbEvo
from tdddft.errors import ContractError, InputError
from tdddft.files import replace_text
from tdddft.provenance import package_versions

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
    replace_text(folder / "model.json", json.dumps(description, indent=2))


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
    try:
        model = wanted[name](**description["arguments"])
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
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
        description: dict[str, Any] = json.loads(file.read_text())
        version, name = description["schema_version"], description["class"]
        known = name in MODELS
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, error) from None
    if version != SCHEMA_VERSION:
        raise ContractError(f"{file}: schema version {version}, this graphlearn reads {SCHEMA_VERSION}")
    if not known:
        raise ContractError(f"{file}: unknown model class {name!r}; known: {', '.join(MODELS)}")
    return description


def load_orbevo(folder: str | os.PathLike[str]) -> tuple[OrbitalModel, Normalizer, dict[str, Any]]:
    """Read a model of orbitals, its normalisation, and ``model.json``; raises as :func:`load_model`."""
    model, description = load_model(folder, OrbEvo, ResponseOrbEvo)
    assert isinstance(model, OrbitalModel)
    try:
        return model, Normalizer(**description["normalizer"]), description
    except (KeyError, TypeError) as error:
        raise _damaged(Path(folder), error) from None


def _damaged(folder: Path, error: Exception) -> ContractError:
    return ContractError(f"{folder}: damaged model ({str(error).splitlines()[0]}); copy or train it again")


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors in one step; InputError where that fails."""
    temporary = path.with_suffix(".tmp")
    try:
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, temporary, metadata)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write {path}: {error}; check the folder and the space on the disk") from None
