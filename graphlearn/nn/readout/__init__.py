"""Readouts: a list with the output of every layer in, a graph or node vector out."""

from graphlearn.nn.readout.cache import HistoryCache
from graphlearn.nn.readout.generalized_mean import GroupedMeanReadout
from graphlearn.nn.readout.history import HistoryReadout, HistoryWeights
from graphlearn.nn.readout.jumping import JumpingReadout
from graphlearn.nn.readout.layer_attention import LayerAttention
from graphlearn.nn.readout.layers import FrozenBackbone, layer_outputs
from graphlearn.nn.readout.multilayer import MultilayerReadout
from graphlearn.nn.readout.node_attention import NodeAttention

__all__ = [
    "FrozenBackbone",
    "GroupedMeanReadout",
    "HistoryCache",
    "HistoryReadout",
    "HistoryWeights",
    "JumpingReadout",
    "LayerAttention",
    "MultilayerReadout",
    "NodeAttention",
    "layer_outputs",
]
