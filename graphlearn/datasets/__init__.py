"""Data sets and how they become batches."""

from graphlearn.datasets.batch import Normalizer, OrbitalBatch, collate
from graphlearn.datasets.particles import IndependentParticles
from graphlearn.datasets.protein_go import ProteinGO
from graphlearn.datasets.splits import Parts, split_at_random, split_by_molecule, split_by_size
from graphlearn.datasets.statistics import DatasetStatistics, dataset_statistics
from graphlearn.datasets.trajectories import OrbitalTrajectory, TDDFTTrajectories
from graphlearn.datasets.windows import TDDFTWindows

__all__ = [
    "DatasetStatistics", "IndependentParticles", "Normalizer", "OrbitalBatch", "OrbitalTrajectory", "Parts",
    "ProteinGO", "TDDFTTrajectories", "TDDFTWindows", "collate", "dataset_statistics", "split_at_random",
    "split_by_molecule", "split_by_size",
]  # fmt: skip
