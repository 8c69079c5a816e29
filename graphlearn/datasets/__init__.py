"""Data sets and how they become batches."""

from typing import TYPE_CHECKING

from graphlearn.base.lazy_names import lazy_names

if TYPE_CHECKING:  # for checkers of types, which do not run lazy_names
    from graphlearn.models.orbevo.mode_basis import ModeBasis as ModeBasis
    from graphlearn.orbitals.data.batch import (
        Normalizer as Normalizer,
        OrbitalBatch as OrbitalBatch,
        collate as collate,
    )
    from graphlearn.orbitals.data.split import (
        Parts as Parts,
        split_at_random as split_at_random,
        split_by_molecule as split_by_molecule,
        split_by_size as split_by_size,
    )
    from graphlearn.orbitals.data.statistics import dataset_statistics as dataset_statistics
    from graphlearn.orbitals.data.statistics_file import DatasetStatistics as DatasetStatistics
    from graphlearn.orbitals.data.trajectories import (
        OrbitalTrajectory as OrbitalTrajectory,
        TDDFTTrajectories as TDDFTTrajectories,
    )
    from graphlearn.orbitals.data.windows import TDDFTWindows as TDDFTWindows
    from graphlearn.proteins.data.protein_go import ProteinGO as ProteinGO

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "graphlearn.models.orbevo.mode_basis": ("ModeBasis",),
        "graphlearn.orbitals.data.batch": ("Normalizer", "OrbitalBatch", "collate"),
        "graphlearn.orbitals.data.split": ("Parts", "split_at_random", "split_by_molecule", "split_by_size"),
        "graphlearn.orbitals.data.statistics": ("dataset_statistics",),
        "graphlearn.orbitals.data.statistics_file": ("DatasetStatistics",),
        "graphlearn.orbitals.data.trajectories": ("OrbitalTrajectory", "TDDFTTrajectories"),
        "graphlearn.orbitals.data.windows": ("TDDFTWindows",),
        "graphlearn.proteins.data.protein_go": ("ProteinGO",),
    },
    former={"IndependentParticles": "ModeBasis"},
)
