"""The former place of :mod:`graphlearn.proteins.predictor`."""

from graphlearn.proteins.predictor import PredictedTerm, ProposedRegion, ProteinPrediction, ProteinPredictor

__all__ = ["PredictedTerm", "ProposedRegion", "ProteinPrediction", "ProteinPredictor"]
