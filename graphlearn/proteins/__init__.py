"""Proteins: from a structure file to a chain, to its graph of contacts, and to its predicted functions."""

from __future__ import annotations

from typing import Any

from graphlearn.proteins.graph import NUM_FEATURES, contact_graph
from graphlearn.proteins.structure.alpha_trace import alpha_secondary_structure
from graphlearn.proteins.structure.chain import PROFILE_ORDER, RESIDUE_ORDER, SECONDARY_ORDER, ProteinChain
from graphlearn.proteins.structure.read import read_structure
from graphlearn.proteins.training.perturb import perturb

__all__ = [
    "NUM_FEATURES", "PROFILE_ORDER", "RESIDUE_ORDER", "SECONDARY_ORDER", "ProteinChain", "ProteinPredictor",
    "alpha_secondary_structure", "contact_graph", "perturb", "read_structure",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "ProteinPredictor":
        raise AttributeError(f"module 'graphlearn.proteins' has no attribute {name!r}")
    from graphlearn.proteins.prediction.predictor import ProteinPredictor

    return ProteinPredictor
