"""Recipes of protein predictors: data, network, losses, pre-training and optimisation in one typed place."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.section import RecipeSection
from graphlearn.models import ProteinRPN
from graphlearn.proteins.ontology.base import OntologyName
from graphlearn.proteins.sequence.search import DEFAULT_SEARCH, SearchProgram
from graphlearn.training.building import build_network
from graphlearn.training.idle_arguments import idle_arguments
from graphlearn.training.recipe import ComparisonSection, Optimisation, TrainingRecipe, variant_recipe

USUAL = {name: parameter.default for name, parameter in inspect.signature(ProteinRPN).parameters.items()}


class ProteinData(RecipeSection):
    """Chains, labels and split, as one of the constructors of :class:`graphlearn.datasets.ProteinGO` takes them."""

    kind: Literal["tables", "folder"] = "tables"
    root: Path | None = Field(None, description="folder of the tables; default: $GRAPHLEARN_DATA/protein")
    ontology: OntologyName = "mf"
    cutoff_angstrom: float = Field(10.0, gt=0, description="of contacts of C-alpha atoms")
    search: SearchProgram = Field(
        DEFAULT_SEARCH, description="program that finds similar sequences; mmseqs must be installed"
    )
    esm: Path | None = Field(None, description="folder of an ESM-2 model whose embeddings are further features")
    options: dict[str, Any] = Field(default_factory=dict, description="further arguments of ProteinGO.from_<kind>")

    def idle(self) -> Mapping[str, str]:
        """The folder of the tables, where none is needed, and arguments of the constructor that it does not use."""
        own, enzymes = self.kind == "folder", self.ontology == "ec"
        ontology_file, lists = (bool(self.options.get(key)) for key in ("ontology_file", "lists"))
        reasons = {
            "root": ("kind: folder reads data.options.structures and .labels", own and (enzymes or ontology_file)),
            "options.ontology_file": ("enzyme classes need no release of an ontology", own and enzymes),
            "options.shares": ("data.options.lists say which chain is used for what", own and lists),
            "options.evaluate_source": ("it is of terms of the Gene Ontology", enzymes and not own),
        }
        return {key: why for key, (why, holds) in reasons.items() if holds}

    @model_validator(mode="after")
    def _keys_of_their_own(self) -> ProteinData:
        for name in ("ontology", "cutoff_angstrom", "search", "embed", "sites"):
            if name in self.options:
                key = {"embed": "data.esm", "sites": "sites.sources"}.get(name, f"data.{name}")
                raise ValueError(f"options.{name} is not a further argument: write {key}")
        return self

    @property
    def folder(self) -> Path:
        """Where the tables are looked for."""
        return self.root or Path(os.environ.get("GRAPHLEARN_DATA", "data")) / "protein"


class Sites(RecipeSection):
    """Residues on which the objectness of anchors is trained; known for the bundled tables."""

    sources: tuple[Literal["catalytic", "binding"], ...] = Field((), description="none: objectness is not trained")
    coverage: float = Field(0.7, gt=0, le=1, description="share of a site that an anchor must hold")
    test: float = Field(0.25, gt=0, lt=1, description="share of the clusters at 30 % identity that are held out")
    validation: float = Field(0.1, gt=0, lt=1, description="share of the clusters for choosing the epoch")


class PreTraining(RecipeSection):
    """The proposal alone on sites, before the terms."""

    epochs: int = Field(0, ge=0, description="0: no pre-training")
    batch_size: int = Field(16, ge=1)
    learning_rate: float = Field(1e-3, gt=0)

    def idle(self) -> Mapping[str, str]:
        """Everything else, where there is none."""
        return dict.fromkeys(() if self.epochs else ("batch_size", "learning_rate"), "pre_training.epochs is 0")


class Losses(RecipeSection):
    """Weights of the parts of the loss beside the binary cross-entropy of the terms."""

    balance: float = Field(0.0, ge=0, le=1, description="power of negatives over positives that weighs positives")
    largest_balance: float = Field(10.0, ge=1)
    supervised_contrastive: float = Field(0.05, ge=0)
    info_nce: float = Field(0.05, ge=0, description="between a structure and its perturbed copy; doubles the time")
    objectness: float = Field(0.1, ge=0)
    true_path: float = Field(0.0, ge=0, description="how far children exceed their parents")
    temperature: float = Field(0.1, gt=0, description="of both contrastive losses")
    both_views: bool = Field(False, description="cross-entropy of the perturbed copy as well")

    def idle(self) -> Mapping[str, str]:
        """The bound of weights that are all one, and the temperature of losses that are off."""
        idle = {} if self.balance else {"largest_balance": "losses.balance is 0"}
        if not self.supervised_contrastive and not self.info_nce:
            idle["temperature"] = "both contrastive losses are 0"
        return idle


class Perturbation(RecipeSection):
    """How the second view of a structure differs from the first."""

    noise_angstrom: float = Field(0.5, ge=0)
    mask: float = Field(0.15, ge=0, lt=1, description="share of residues that are masked")
    drop_contacts: float = Field(0.1, ge=0, lt=1)


class ProteinOptimisation(Optimisation):
    """Length and rate of the training."""

    epochs: int = Field(30, ge=1)
    warmup_epochs: float = Field(1.0, ge=0)
    weight_decay: float = Field(1e-2, ge=0)
    gradient_clip: float = Field(5.0, gt=0, description="largest norm of the gradient")
    select: Literal["fmax", "micro_aupr"] = Field("fmax", description="validation metric that chooses the epoch")


class ProteinRecipe(TrainingRecipe):
    """A training of ProteinRPN."""

    task: Literal["proteins"] = "proteins"
    data: ProteinData = ProteinData()
    model: dict[str, Any] = Field(default_factory=dict, description="arguments of graphlearn.models.ProteinRPN")
    sites: Sites = Sites()
    pre_training: PreTraining = PreTraining()
    losses: Losses = Losses()
    perturbation: Perturbation = Perturbation()
    optimisation: ProteinOptimisation = ProteinOptimisation()
    comparison: ComparisonSection = ComparisonSection()

    def idle(self) -> Mapping[str, str]:
        """What other sections leave without effect."""
        own, reads_sites = self.data.kind == "folder", bool(self.sites.sources)
        untaught = not reads_sites or not self.model.get("proposal", True)
        one_view = not self.losses.info_nce and not self.losses.both_views
        of_tables, needs = "sites are of data.kind tables", "it needs sites.sources and model.proposal"
        reasons = {
            "sites.test": (of_tables, own),
            "sites.validation": (of_tables, own),
            "sites.coverage": (needs, untaught),
            "sites.sources": (needs, untaught and reads_sites),
            "losses.objectness": (needs, untaught and self.losses.objectness),
            "pre_training": (needs, untaught and self.pre_training.epochs),
            "perturbation": ("losses.info_nce is 0 and losses.both_views is off", one_view),
        }
        idle = {f"model.{name}": why for name, why in idle_arguments(ProteinRPN, self.model).items()}
        return {**idle, **{key: why for key, (why, holds) in reasons.items() if holds}}

    @model_validator(mode="after")
    def _sites_are_of_the_tables(self) -> ProteinRecipe:
        if self.sites.sources and self.data.kind == "folder":
            raise ValueError("sites.sources are known for data.kind tables alone; set sites.sources=[]")
        return self

    @property
    def hops(self) -> int:
        """Reach of an anchor of the proposal, in contacts."""
        return int(self.model.get("hops", USUAL["hops"]))

    @property
    def fingerprint(self) -> str:
        """Short hash of the settings other than the defaults, wherever the data lie."""
        said = self.model_dump(mode="json", exclude_defaults=True, exclude={"data": {"root"}, "comparison": True})
        said["model"] = {name: value for name, value in self.model.items() if value != USUAL.get(name)}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def variant(self, name: str, seed: int) -> ProteinRecipe:
        """The recipe of one run of the comparison, which compares nothing itself.

        Args:
            name: Name of the variant in ``comparison``.
            seed: Seed of the run.

        Returns:
            A recipe without comparison.

        Raises:
            InputError: for an unknown variant, or a change that is not one.
        """
        return variant_recipe(self, self.comparison, name, seed)

    def build_model(self, in_channels: int, num_terms: int) -> ProteinRPN:
        """The network that the section ``model`` describes.

        Args:
            in_channels: Features per residue.
            num_terms: Terms to predict.

        Returns:
            The network, not trained.

        Raises:
            InputError: if its sizes do not fit together.
        """
        sizes = {"in_channels": in_channels, "num_terms": num_terms}
        try:
            return build_network(ProteinRPN, {**sizes, **self.model})
        except InputError as error:
            raise InputError(f"recipe {self.name!r}, model: {error}") from None
