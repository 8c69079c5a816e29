"""ProteinRPN's parts: propose regions of a structure, drop the rest, attend to what was proposed."""

from graphlearn.nn.region.anchors import KeptRegion, Regions, anchor_regions, non_maximum_suppression
from graphlearn.nn.region.cone import penumbral_similarity
from graphlearn.nn.region.functional_attention import FunctionalAttention
from graphlearn.nn.region.node_drop import HierarchicalNodeDrop, PooledNodes
from graphlearn.nn.region.proposal import Proposal, RegionProposal
from graphlearn.nn.region.sequence import SequenceConvolution
from graphlearn.nn.region.targets import objectness_targets

__all__ = [
    "FunctionalAttention",
    "HierarchicalNodeDrop",
    "KeptRegion",
    "PooledNodes",
    "Proposal",
    "RegionProposal",
    "Regions",
    "SequenceConvolution",
    "anchor_regions",
    "non_maximum_suppression",
    "objectness_targets",
    "penumbral_similarity",
]
