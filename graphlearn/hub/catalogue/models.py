"""Systems, their recipes and their trained weights, as packed with the package."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphlearn.base.plain_data import read_json, read_yaml
from graphlearn.base.recipes.packaged import recipe_folder
from graphlearn.hub.catalogue.cards import opening_comment, summary, title
from graphlearn.training.packaged import PACKAGE
from graphlearn.training.recipe import recipe_task

ORBITAL_MODELS = ("OrbEvo", "ResponseOrbEvo")


@dataclass(frozen=True)
class Weights:
    """Trained weights.

    Attributes:
        name: As commands take it, for example ``orbevo/qm9``.
        model: Class of the network.
        numbers: How many numbers the weights are.
        bytes: Their size on disk.
        result: What ``model.json`` says of their quality; empty where it says nothing.
        command: How to use them.
    """

    name: str
    model: str
    numbers: int
    bytes: int
    result: str
    command: str


@dataclass(frozen=True)
class Recipe:
    """How to train a model: its name, what its opening comment says, and the command."""

    name: str
    summary: str
    command: str


@dataclass(frozen=True)
class System:
    """A published system: what its card says, where that is, its weights and its recipes."""

    name: str
    title: str
    summary: str
    card: str | None
    weights: tuple[Weights, ...]
    recipes: tuple[Recipe, ...]


def systems(folder: Path | None = None) -> list[System]:
    """All systems of a folder of models, by default of that which comes with the package."""
    root = folder or recipe_folder(PACKAGE, "models")
    return [
        _system(place) for place in sorted({file.parent for file in (*root.glob("*/*.yaml"), *root.glob("*/*.md"))})
    ]


def _system(folder: Path) -> System:
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {folder.name}\n\nNo card"
    return System(
        folder.name, title(text), summary(text), str(card) if card.is_file() else None,
        tuple(_weights(file, folder.name) for file in sorted(folder.glob("*/model.json"))),
        tuple(_recipe(file) for file in sorted(folder.glob("*.yaml"))),
    )  # fmt: skip


def _recipe(file: Path) -> Recipe:
    name, settings = f"{file.parent.name}/{file.stem}", read_yaml(file)
    data = " --data FOLDER" if recipe_task(settings) == "orbitals" else ""
    return Recipe(name, opening_comment(file), f"graphlearn train {name}{data} --out runs/{file.stem}")


def _weights(file: Path, system: str) -> Weights:
    from safetensors import safe_open

    facts, tensors = read_json(file), file.with_name("model.safetensors")
    with safe_open(tensors, framework="numpy") as stored:
        numbers = sum(math.prod(stored.get_slice(key).get_shape()) for key in stored.keys())  # noqa: SIM118
    name = f"{system}/{file.parent.name}"
    return Weights(name, facts["class"], numbers, tensors.stat().st_size, _result(facts), _use(facts, name))


def _use(facts: Mapping[str, Any], name: str) -> str:
    if facts["class"] in ORBITAL_MODELS:
        return f"graphlearn rollout smiles:CCO --weights {name} --out runs/predicted.h5"
    if facts["class"] == "ProteinRPN":
        return f"graphlearn predict structures/ --weights {name} --out runs/predicted"
    return (
        f"""python -c "from graphlearn.training.packaged import model_folder as f; """
        f"""from graphlearn.training.checkpoint import load_model; print(load_model(f('{name}'))[0])\""""
    )


def _result(facts: Mapping[str, Any]) -> str:
    """The kept score of validation, or of the test, in words."""
    if "test_score" in facts:
        return f"test {facts['metric']} {100 * facts['test_score']:.1f} %"
    if "training" in facts:
        best, metric = facts["training"].get("best"), facts["training"].get("metric")
    else:  # a card of version 1, where the lowest score is the best one
        best = min((score for _, score in facts.get("validations", ()) if score is not None), default=None)
        metric = facts.get("recipe", {}).get("optimisation", {}).get("select", "score")
        if best is not None and facts["class"] not in ORBITAL_MODELS:
            best = 1 - best
    if best is None:
        return ""
    if facts["class"] in ORBITAL_MODELS:
        count, trained = len(facts.get("validated_on", ())), len(facts.get("trained_on", ()))
        return f"rollout nRMSE {best:.3f} on validation ({count} trajectories; trained on {trained})"
    return f"{metric} {best:.3f} on validation"
