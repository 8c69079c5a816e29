"""A data set with one split, its loss and its score."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data as Graph

from graphlearn.base.errors import InputError
from graphlearn.base.recipes.packaged import packed_folder
from graphlearn.graphs.data.moleculenet import ATOM_FEATURE_SIZES, load_moleculenet
from graphlearn.graphs.data.planetoid import load_citations
from graphlearn.graphs.data.splits import Split, load_folds, nested_split, stratified_folds
from graphlearn.graphs.data.table import GraphTable
from graphlearn.graphs.data.tu import load_tu
from graphlearn.graphs.recipe import GraphDataSource
from graphlearn.training.task import device_of


@dataclass(frozen=True)
class GraphData:
    """A data set with one split.

    Attributes:
        data: The graphs, or the one network whose nodes are classified.
        split: Graphs, or nodes, for training, choosing and testing.
        inputs: ``in_channels`` of the model.
        outputs: Classes or targets.
        level: ``graph`` or ``node``.
        metric: ``accuracy`` or ``roc_auc``.
    """

    data: GraphTable | Graph
    split: Split
    inputs: int | tuple[int, ...]
    outputs: int
    level: str
    metric: str

    def batch(self, rows: Tensor) -> Graph:
        """Some graphs as one batch; at node level the whole network, with the rows as ``chosen``."""
        if isinstance(self.data, GraphTable):
            return self.data.batch(rows)
        network = self.data.clone()
        network.chosen = rows
        return network

    def predict(self, model: nn.Module, batch: Graph) -> tuple[Tensor, Tensor]:
        """Outputs of the model and targets, on the device of the model.

        Args:
            model: The network.
            batch: From :meth:`batch`.

        Returns:
            Outputs [N, T], and classes [N] or targets [N, T].
        """
        batch = batch.to(device_of(model))
        if self.level == "node":
            return model(batch.x, batch.edge_index)[batch.chosen], batch.y[batch.chosen]
        return model(batch.x, batch.edge_index, batch.batch, batch_size=batch.num_graphs), batch.y

    def teaches(self, batch: Graph) -> bool:
        """Whether a batch can be trained on: two nodes for batch normalisation, and a target that is known."""
        y = batch.y if self.level == "graph" else batch.y[batch.chosen]
        return batch.num_nodes > 1 and bool((y == y).any())

    def evaluate(self, model: nn.Module, part: Tensor, batch_size: int = 256) -> tuple[float, float]:
        """Loss and score of a part of the split.

        Args:
            model: In evaluation mode.
            part: Rows.
            batch_size: Graphs per batch; no figure depends on it.

        Returns:
            Loss, and accuracy or area under the ROC curve.

        Raises:
            RuntimeError: if the loss is not finite.
            InputError: if the part lacks what the score needs.
        """
        rows = part.split(batch_size) if self.level == "graph" else [part]
        with torch.no_grad():
            outputs, targets = zip(*(self.predict(model, self.batch(few)) for few in rows), strict=True)
        output, y = torch.cat(outputs).cpu(), torch.cat(targets).cpu()
        loss = float(self.loss(output, y))
        if not math.isfinite(loss):
            raise RuntimeError(f"the loss is {loss}; lower optimisation.learning_rate")
        return loss, self.score(output, y)

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy; for several binary targets the mean over those that are known.

        Args:
            output: Of the model, [N, T].
            y: Classes [N], or targets [N, T] with NaN for those that are not known.

        Returns:
            A number.
        """
        if self.metric == "accuracy":
            return F.cross_entropy(output, y)
        known = ~y.isnan()
        return F.binary_cross_entropy_with_logits(output[known], y[known])

    def score(self, output: Tensor, y: Tensor) -> float:
        """Accuracy, or area under the ROC curve as the mean over targets that have both classes.

        Args:
            output: Of the model, [N, T].
            y: Classes [N], or targets [N, T] with NaN for those that are not known.

        Returns:
            From 0 to 1.
        """
        if self.metric == "accuracy":
            return float((output.argmax(1) == y).double().mean())
        return mean_roc_auc(output, y)

    @property
    def fingerprint(self) -> str:
        """Short hash of the data set, in its order."""
        if isinstance(self.data, GraphTable):
            return self.data.fingerprint()
        content = self.data.edge_index.numpy().tobytes() + self.data.y.numpy().tobytes()
        return hashlib.sha256(content).hexdigest()[:16]

    @property
    def majority(self) -> float:
        """Score of always answering the commonest class of the training part."""
        y = self.data.y
        if self.metric != "accuracy":
            return 0.5
        return float((y[self.split.test] == torch.bincount(y[self.split.train]).argmax()).double().mean())


def mean_roc_auc(output: Tensor, y: Tensor) -> float:
    """Mean area under the ROC curve over the columns of ``y`` in which both classes occur.

    Args:
        output: Of the model, [N, T].
        y: Targets 0 or 1, [N, T]; NaN is unknown.

    Returns:
        From 0 to 1.

    Raises:
        InputError: if both classes occur in no column.
    """
    from sklearn.metrics import roc_auc_score

    scores = []
    for column in range(y.size(1)):
        known = ~y[:, column].isnan()
        truth = y[known, column]
        if truth.unique().numel() == 2:
            scores.append(roc_auc_score(truth.numpy(), output[known, column].numpy()))
    if not scores:
        raise InputError(
            "a part of the split has both classes in no target: the area under the ROC curve is not defined"
        )
    return float(sum(scores) / len(scores))


def load_graph_data(data: GraphDataSource, fold: int = 0) -> GraphData:
    """The data of a recipe.

    Args:
        data: Section of the recipe.
        fold: Chooses the split of TU sets; the others have one of their own.

    Returns:
        Graphs with their split, or the one network whose nodes are classified.

    Raises:
        InputError: if the data set is not there, or stored folds number another copy of it.
    """
    if data.kind == "citations":
        network = load_citations(data.name, data.folder)
        parts = (network.train_mask, network.val_mask, network.test_mask)
        split = Split(*(torch.nonzero(mask).flatten() for mask in parts))
        return GraphData(network, split, network.x.size(1), int(network.y.max()) + 1, "node", "accuracy")
    if data.kind == "moleculenet":
        table, split = _molecules(data.name, data.folder)
        table = binary_targets(table)
        inputs = ATOM_FEATURE_SIZES if not table.x.is_floating_point() else table.x.size(1)
        return GraphData(table, split, inputs, table.num_outputs, "graph", "roc_auc")
    table, folds = _folds(data.name, data.folder, data.folds)
    return GraphData(table, nested_split(folds, fold), table.x.size(1), table.num_outputs, "graph", "accuracy")


def binary_targets(table: GraphTable) -> GraphTable:
    """The targets that are 0, 1 or unknown; columns of measured values are left out.

    Args:
        table: Graphs with targets.

    Returns:
        The same graphs with fewer targets.

    Raises:
        InputError: if there is none.
    """
    binary = ((table.y == 0) | (table.y == 1) | table.y.isnan()).all(0)
    if not bool(binary.any()):
        raise InputError(f"{table.name} has no target of two classes; regression is not supported here")
    return replace(table, y=table.y[:, binary])


def fold_file(name: str) -> Path:
    """Where the stored folds of a TU set lie."""
    return packed_folder("datasets") / "tu" / f"{name}.json"


@lru_cache(maxsize=2)
def _molecules(name: str, folder: Path) -> tuple[GraphTable, Split]:
    return load_moleculenet(name, folder)


@lru_cache(maxsize=2)
def _folds(name: str, folder: Path, folds: str | int) -> tuple[GraphTable, Tensor]:
    table = load_tu(name, folder)
    if isinstance(folds, int):
        return table, stratified_folds(table.y, seed=folds)
    return table, load_folds(fold_file(name), table)
