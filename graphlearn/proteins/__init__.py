"""Proteins: from a structure file to a chain with features, and from a chain to a graph of contacts."""

from graphlearn.proteins.graph import NUM_FEATURES, contact_graph
from graphlearn.proteins.structure.alpha_trace import alpha_secondary_structure
from graphlearn.proteins.structure.chain import PROFILE_ORDER, RESIDUE_ORDER, SECONDARY_ORDER, ProteinChain
from graphlearn.proteins.structure.read import read_structure
from graphlearn.proteins.training.perturb import perturb

__all__ = [
    "NUM_FEATURES", "PROFILE_ORDER", "RESIDUE_ORDER", "SECONDARY_ORDER", "ProteinChain", "alpha_secondary_structure",
    "contact_graph", "perturb", "read_structure",
]  # fmt: skip
