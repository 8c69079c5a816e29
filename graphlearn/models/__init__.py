"""Whole networks, assembled from :mod:`graphlearn.nn`."""

from graphlearn.models.histograph import HistographGNN
from graphlearn.models.orbevo.model import OrbEvo
from graphlearn.models.orbevo.scalar import OrbEvoScalar
from graphlearn.models.protein_rpn import ProteinOutput, ProteinRPN
from graphlearn.models.response.model import ResponseOrbEvo

OrbitalModel = OrbEvo | ResponseOrbEvo  # predicts the next bundle of a batch of orbitals

__all__ = ["HistographGNN", "OrbEvo", "OrbEvoScalar", "OrbitalModel", "ProteinOutput", "ProteinRPN", "ResponseOrbEvo"]
