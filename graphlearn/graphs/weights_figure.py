"""Figure of the weights of a trained network's readout."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from graphlearn.graphs.data.prepared import GraphData
from graphlearn.graphs.history_figure import history_figure
from graphlearn.models import HistographGNN
from graphlearn.nn import HistoryReadout
from graphlearn.training.task import device_of


@torch.no_grad()
def weights_figure(model: HistographGNN, data: GraphData) -> Figure | None:
    """Weights of the readout of a trained network in graphs of the test part; None for a readout without such weights.

    Args:
        model: The network.
        data: Graphs with a split.

    Returns:
        Of :func:`history_figure`.
    """
    if not isinstance(model.readout, HistoryReadout):
        return None
    batch = data.batch(data.split.test[:40]).to(device_of(model))
    members = None if data.level == "node" else batch.batch
    _, weights = model.readout(model.history(batch.x, batch.edge_index), members, return_attention=True)
    return history_figure(weights, members)
