"""Data sets and how they become batches."""

from graphlearn.datasets.batch import Normalizer, OrbitalBatch, collate
from graphlearn.datasets.trajectories import OrbitalTrajectory, TDDFTTrajectories

__all__ = ["Normalizer", "OrbitalBatch", "OrbitalTrajectory", "TDDFTTrajectories", "collate"]
