"""A stored predictor of terms, with the data that it was trained on, to be judged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.recipes.reading import parse_stored
from graphlearn.models import ProteinRPN
from graphlearn.proteins.evaluation.evaluate import Evaluated, evaluate
from graphlearn.proteins.evaluation.site_benchmark import Truth, held_out_sites
from graphlearn.proteins.prediction.decision import Decision
from graphlearn.proteins.prediction.homology import Homologues
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.task import ProteinTask, judged_chains, load_task
from graphlearn.training.checkpoint import load_model


class StoredPredictor(NamedTuple):
    """A predictor and its data.

    Attributes:
        model: In evaluation mode.
        decision: From logits to probabilities.
        homologues: Training chains that it compares with.
        recipe: That it was trained with.
        task: Its data, without sites.
    """

    model: ProteinRPN
    decision: Decision
    homologues: Homologues
    recipe: ProteinRecipe
    task: ProteinTask

    def judge(self, part: str = "test") -> Evaluated:
        """Errors of its terms on a part of the split.

        Raises:
            InputError: if the part is empty.
        """
        if not self.task.data.split.get(part):
            raise InputError(
                f"the data of the recipe {self.recipe.name!r} have no chains for {part}; choose another part"
            )
        similar = self.homologues.transfer(self.task.sequences(part))
        return evaluate(self.model, self.task, similar, self.decision, part=part, bins=self.task.bins)

    def sites(self, part: str = "test") -> Truth | None:
        """Known sites of chains that did not teach it; None where its data have none."""
        if self.recipe.data.kind != "tables":
            return None
        return held_out_sites(self.recipe, judged_chains(self.task.data), part, embed=self.task.data.embed)


def load_predictor(folder: Path, root: Path | None = None, *, profiles: bool = True) -> StoredPredictor:
    """Read a model folder and its data.

    Args:
        folder: Written by ``graphlearn train``.
        root: Folder of the carried tables; that of the recipe by default.
        profiles: Use sequence profiles where the data have them.

    Raises:
        InputError: if data are missing, or are not those of the model.
        ContractError: for a damaged model.
    """
    model, facts = load_model(folder, ProteinRPN)
    changes = ["sites.sources=[]", *([f"data.root={root.absolute()}"] if root else [])]
    changes += [] if profiles else ["data.options.profiles=false"]
    try:
        recipe = parse_stored(facts["recipe"], ProteinRecipe, changes, where=os.fspath(folder / "model.json"))
        terms = tuple(term["id"] for term in facts["terms"])
    except (KeyError, TypeError) as error:
        raise ContractError(f"{folder}: damaged model ({error}); copy or train it again") from None
    if root is not None and recipe.data.root is None:
        raise InputError(f"{folder} was trained on structure files of its own; leave out --data")
    homologues, task = Homologues.load(folder), load_task(recipe)
    if homologues is None:
        raise ContractError(f"{folder}: the training chains are missing (homologues.safetensors); copy it again")
    if task.data.terms != terms:
        raise InputError(
            f"{folder} predicts {len(terms)} terms, its data now have {len(task.data.terms)} others; "
            "give the data that it was trained on with --data"
        )
    return StoredPredictor(model, Decision.of(facts.content), homologues, recipe, task)
