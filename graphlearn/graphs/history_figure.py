"""Figure of the weights that a readout gives to layers and nodes."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from graphlearn.base.plotting import STYLE
from graphlearn.nn import HistoryWeights


def history_figure(weights: HistoryWeights, batch: Tensor | None = None, *, graphs: int = 40) -> Figure:
    """Weights of the layers of every graph, and how unevenly each graph's nodes are attended to.

    Args:
        weights: From ``readout(xs, batch, return_attention=True)``.
        batch: The batch vector; None for a single graph.
        graphs: Graphs to draw at most, the first ones.

    Returns:
        Layers of each graph beside the shares of its nodes.
    """
    layers = weights.layers.detach().cpu().float()[:graphs].numpy()
    nodes = weights.nodes.detach().cpu().float()
    batch = nodes.new_zeros(len(nodes)).long() if batch is None else batch.cpu()
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(9.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        bound = float(np.quantile(np.abs(layers), 0.99))
        image = left.imshow(layers, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto", interpolation="nearest")
        figure.colorbar(image, ax=left, label="weight", extend="both")
        left.set(xlabel="layer", ylabel="graph", title="Weights of the layers")
        left.xaxis.get_major_locator().set_params(integer=True)
        left.yaxis.get_major_locator().set_params(integer=True)
        for graph in range(len(layers)):
            shares = nodes[batch == graph].sort(descending=True).values.numpy()
            position = [(i + 0.5) / len(shares) for i in range(len(shares))]
            right.plot(position, shares * len(shares), color="#4477AA", alpha=0.35, lw=0.9)
        right.axhline(1.0, color="#222222", lw=0.8, ls="--")
        right.set(
            xlabel="nodes of a graph, most attended first", ylabel="share × number of nodes", title="Attention to nodes"
        )
    return figure
