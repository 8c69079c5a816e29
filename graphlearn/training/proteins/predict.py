"""The former place of :mod:`graphlearn.proteins.prediction.predictor`."""

from graphlearn.proteins.prediction.predictor import PredictedTerm, ProposedRegion, ProteinPrediction, ProteinPredictor

__all__ = ["PredictedTerm", "ProposedRegion", "ProteinPrediction", "ProteinPredictor"]
