"""A predictor of terms and its baselines on chains that it was not trained on, over all of them and by similarity."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.recipes.reading import parse_stored
from graphlearn.proteins.data.training_data import ProteinTrainingData, load_training_data
from graphlearn.proteins.metrics.information import conditional_information, frequency_information
from graphlearn.proteins.metrics.terms import by_bin, fmax, macro_aupr, micro_aupr, normalised_smin, smin
from graphlearn.proteins.prediction.decision import expected_calibration_error, predict_logits
from graphlearn.proteins.prediction.homology import term_frequency
from graphlearn.proteins.prediction.predictor import ProteinPredictor
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.proteins.sequence.search import SearchProgram

MODEL, COMBINED, FREQUENCY, BEST_HIT = "network", "network and best hit", "term frequency", "best hit"
COLUMNS = {
    "fmax": "Fmax", "micro_aupr": "micro AUPR", "macro_aupr": "macro AUPR", "smin_bits": "Smin, bits",
    "normalised_smin": "normalised Smin",
}  # fmt: skip
LOWER_IS_BETTER = ("smin_bits", "normalised_smin")
ALL = "all"
Errors = Mapping[str, float]


def term_errors(scores: np.ndarray, labels: np.ndarray, *, ancestors: csr_array, training_labels: np.ndarray) -> Errors:
    """Figures of merit of scores, with the information of the terms from the training chains alone.

    Args:
        scores: Ancestors closed, float [N, T].
        labels: Ancestors closed, bool [N, T].
        ancestors: Of the terms, bool [T, T].
        training_labels: Ancestors closed, bool [M, T].

    Returns:
        Values by the keys of ``COLUMNS``.
    """
    return {
        "fmax": fmax(scores, labels).value,
        "micro_aupr": micro_aupr(scores, labels),
        "macro_aupr": macro_aupr(scores, labels),
        "smin_bits": smin(scores, labels, conditional_information(training_labels, ancestors)).value,
        "normalised_smin": normalised_smin(scores, labels, frequency_information(training_labels)).value,
    }


@dataclass(frozen=True, eq=False)
class TermEvaluation:
    """Scores and their errors.

    Attributes:
        chains: Names of the rows, N of them.
        labels: Bool [N, T].
        scores: By method, ancestors closed, float [N, T].
        errors: By bin of likeness, ``all`` first, then by method and column.
        chains_of_bin: Rated chains of each bin.
        calibration_error: Of the network's probabilities.
        search: Program that found the best hits.
    """

    chains: tuple[str, ...]
    labels: np.ndarray
    scores: Mapping[str, np.ndarray]
    errors: Mapping[str, Mapping[str, Errors]]
    chains_of_bin: Mapping[str, int]
    calibration_error: float
    search: SearchProgram


def stored_recipe(predictor: ProteinPredictor, root: Path | None = None, *, profiles: bool = True) -> ProteinRecipe:
    """The recipe that a predictor was trained with, for its data without sites.

    Args:
        predictor: Read from a folder.
        root: Folder of the bundled tables; that of the recipe by default.
        profiles: Use sequence profiles where the data have them.

    Returns:
        The recipe, without sources of sites and with the changes that are asked for.

    Raises:
        InputError: if it was trained on structure files and ``root`` is given.
        ContractError: for a damaged card.
    """
    changes = ["sites.sources=[]", *([f"data.root={root.absolute()}"] if root else [])]
    changes += [] if profiles else ["data.options.profiles=false"]
    where = os.fspath(predictor.folder / "model.json")
    recipe = parse_stored(predictor.card["recipe"], ProteinRecipe, changes, where=where)
    if root is not None and recipe.data.root is None:
        raise InputError(f"{predictor.folder} was trained on structure files of its own; leave out --data")
    return recipe


def stored_data(predictor: ProteinPredictor, recipe: ProteinRecipe) -> ProteinTrainingData:
    """The data that a predictor was trained on.

    Args:
        predictor: Read from a folder.
        recipe: Of :func:`stored_recipe`.

    Returns:
        The training data; its terms are those of the predictor.

    Raises:
        InputError: if data are missing, or are not those of the model.
    """
    data = load_training_data(recipe)
    if data.data.terms != tuple(term for term, _ in predictor.terms):
        raise InputError(
            f"{predictor.folder} predicts {len(predictor.terms)} terms, its data now have {len(data.data.terms)} "
            "others; give the data that it was trained on with --data"
        )
    return data


def evaluate(predictor: ProteinPredictor, data: ProteinTrainingData, part: str = "test") -> TermEvaluation:
    """Errors of the network, of its combination with the best hit, and of both baselines.

    Args:
        predictor: Trained.
        data: Chains, labels and relations of the terms that it predicts.
        part: Of the split.

    Returns:
        Errors over all chains, and by likeness to training where the data have bins.

    Raises:
        InputError: if the part is empty.
        ContractError: if the predictor lacks its training chains.
    """
    if not (chains := data.data.split.get(part)):
        raise InputError(f"the data of {predictor.folder} have no chains for {part}; choose another part")
    if predictor.homologues is None:
        raise ContractError(
            f"{predictor.folder}: the training chains are missing (homologues.safetensors); copy it again"
        )
    labels, training_labels = data.labels(part), data.labels("train")
    logits = predict_logits(predictor.model, data.data.select(chains))
    transferred = predictor.homologues.transfer(data.sequences(part))
    raw = {
        MODEL: predictor.rule.network(logits),
        COMBINED: predictor.rule.combined(logits, transferred),
        BEST_HIT: transferred,
        FREQUENCY: term_frequency(training_labels, len(chains)),
    }
    scores = {method: data.closed(values) for method, values in raw.items()}
    scorer = partial(term_errors, ancestors=data.ancestors, training_labels=training_labels)
    groups: dict[str, Collection[str]] = {ALL: frozenset(chains), **data.bins}
    rated = {chain for chain, row in zip(chains, labels, strict=True) if row.any()}
    counts = {name: len(rated & set(members)) for name, members in groups.items()}
    found = {method: by_bin(scorer, values, labels, chains, groups) for method, values in scores.items()}
    return TermEvaluation(
        tuple(chains), labels, scores,
        {name: {m: e for m in scores if (e := found[m][name]) is not None} for name, count in counts.items() if count},
        counts,
        expected_calibration_error(scores[MODEL], labels), data.search,
    )  # fmt: skip
