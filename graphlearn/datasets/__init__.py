"""Data sets and how they become batches."""

from graphlearn.models.orbevo.mode_basis import ModeBasis
from graphlearn.orbitals.data.batch import Normalizer, OrbitalBatch, collate
from graphlearn.orbitals.data.split import Parts, split_at_random, split_by_molecule, split_by_size
from graphlearn.orbitals.data.statistics import dataset_statistics
from graphlearn.orbitals.data.statistics_file import DatasetStatistics
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory, TDDFTTrajectories
from graphlearn.orbitals.data.windows import TDDFTWindows
from graphlearn.proteins.data.protein_go import ProteinGO

IndependentParticles = ModeBasis  # its former name

__all__ = [
    "DatasetStatistics", "IndependentParticles", "ModeBasis", "Normalizer", "OrbitalBatch", "OrbitalTrajectory",
    "Parts", "ProteinGO", "TDDFTTrajectories", "TDDFTWindows", "collate", "dataset_statistics", "split_at_random",
    "split_by_molecule", "split_by_size",
]  # fmt: skip
