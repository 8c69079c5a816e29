"""Systems, their recipes and their trained weights, as packed with the package."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from graphlearn.base.plain_data import read_yaml
from graphlearn.base.recipes.packaged import packed_folder
from graphlearn.hub.catalogue.cards import opening_comment, summary, title
from graphlearn.training.card import ModelCard, read_card
from graphlearn.training.recipe import recipe_task


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
    root = folder or packed_folder("models")
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

    card, tensors = read_card(file.parent, ModelCard), file.with_name("model.safetensors")
    with safe_open(tensors, framework="numpy") as stored:
        numbers = sum(math.prod(stored.get_slice(key).get_shape()) for key in stored.keys())  # noqa: SIM118
    name = f"{system}/{file.parent.name}"
    return Weights(name, card.model_class, numbers, tensors.stat().st_size, _result(card), _use(card, name))


def _use(card: ModelCard, name: str) -> str:
    commands = {
        "orbitals": f"graphlearn rollout smiles:CCO --weights {name} --out runs/predicted.h5",
        "proteins": f"graphlearn predict structures/ --weights {name} --out runs/predicted",
    }
    read = "from graphlearn.training.packaged import model_folder as f; from graphlearn.training.checkpoint import "
    return commands.get(card.task, f"""python -c "{read}load_model; print(load_model(f('{name}'))[0])\"""")


def _result(card: ModelCard) -> str:
    """The kept score of validation, or of the test, in words."""
    if "test_score" in card.content:
        return f"test {card['metric']} {100 * card['test_score']:.1f} %"
    course = card.training
    if course is None or course.best is None:
        return ""
    if card.task == "orbitals":
        count, trained = len(card.get("validated_on", ())), len(card.get("trained_on", ()))
        return f"rollout nRMSE {course.best:.3f} on validation ({count} trajectories; trained on {trained})"
    return f"{course.metric} {course.best:.3f} on validation"
