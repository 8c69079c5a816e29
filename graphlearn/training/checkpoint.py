"""Models on disk: a typed card, ``model.json``, beside safetensors; never a pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

from torch import nn

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_text
from graphlearn.models.registry import find_model, known_models, model_name
from graphlearn.training.building import build_network
from graphlearn.training.card import FILE_NAME, C, ModelCard, read_card
from graphlearn.training.weights import load_weights, read_shapes, reason, save_tensors

__all__ = ["load_model", "load_orbevo", "save_model"]
WEIGHTS = "model.safetensors"
M = TypeVar("M", bound=nn.Module)


def save_model(folder: Path, model: nn.Module, card: ModelCard | Mapping[str, Any]) -> None:
    """Write a model folder: ``model.json`` and ``model.safetensors``.

    Args:
        folder: Made where it is missing.
        model: Of a class of :mod:`graphlearn.models.registry`, or of the user's own.
        card: Of this model; or what its card says beside class, arguments and package versions.
    """
    described = card if isinstance(card, ModelCard) else ModelCard.describe(model, card)
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / WEIGHTS, dict(model.state_dict()))
    replace_text(folder / FILE_NAME, json.dumps(described.content, indent=2, allow_nan=False))


@overload
def load_model(folder: str | os.PathLike[str], *kinds: type[M]) -> tuple[M, ModelCard]: ...
@overload
def load_model(folder: str | os.PathLike[str], *kinds: type[M], card: type[C]) -> tuple[M, C]: ...
def load_model(
    folder: str | os.PathLike[str], *kinds: type[M], card: type[ModelCard] = ModelCard
) -> tuple[nn.Module, ModelCard]:
    """Read a model folder.

    A card that names code of the user's own (``package.module:Class``) never runs it: give that class in ``kinds``.

    Args:
        folder: Written by :func:`save_model`, in this version or an earlier one.
        *kinds: Classes that the model may be of or derive from, for example :class:`graphlearn.models.OrbitalModel`;
            all that are known by default.
        card: Class of the card.

    Returns:
        The model in evaluation mode, and its card.

    Raises:
        InputError: if the folder holds no model, one of another class, or one of a class of the user's own.
        ContractError: for an unknown version or class, a damaged card, or weights that do not fit.
    """
    folder = Path(folder)
    described = read_card(folder, card)
    kind = _find_class(folder, described.model_class, kinds)
    weights = folder / WEIGHTS
    try:
        model = build_network(kind, described.arguments, shapes=read_shapes(weights))
        load_weights(model, weights)
    except (ContractError, InputError) as error:
        text = reason(error).removeprefix(f"{folder}{os.sep}")
        raise ContractError(f"{folder}: damaged model ({text}); copy or train it again") from None
    return model.eval(), described


def load_orbevo(folder: str | os.PathLike[str]) -> Any:
    """Former name of :func:`graphlearn.orbitals.model_folder.load_orbital_model`.

    Args:
        folder: Of the model.

    Returns:
        Model, normaliser and card.
    """
    from graphlearn.orbitals.model_folder import load_orbital_model

    return load_orbital_model(folder)


def _find_class(folder: Path, name: str, kinds: tuple[type[nn.Module], ...]) -> type[nn.Module]:
    for kind in kinds:
        if model_name(kind) == name:
            return kind
    if ":" in name:
        raise InputError(
            f"{folder} holds a model of the class {name[:80]!r}, which is code of your own; name it again: "
            f"--model-class {name[:80]}, or load_model(folder, Class)"
        )
    if name not in known_models():
        raise ContractError(
            f"{folder / FILE_NAME}: unknown model class {name[:80]!r}; known: {', '.join(known_models())}"
        )
    found: type[nn.Module] = find_model(name, nn.Module)
    if kinds and not issubclass(found, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise InputError(f"{folder} holds a model of class {name}; this needs {wanted}")
    return found
