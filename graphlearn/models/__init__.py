"""Whole networks, assembled from :mod:`graphlearn.nn`."""

from graphlearn.models.histograph import HistographGNN
from graphlearn.models.orbevo import OrbEvo
from graphlearn.models.orbevo_scalar import OrbEvoScalar
from graphlearn.models.protein_rpn import ProteinOutput, ProteinRPN
from graphlearn.models.response_orbevo import ResponseOrbEvo

OrbitalModel = OrbEvo | ResponseOrbEvo  # predicts the next bundle of a batch of orbitals

__all__ = ["HistographGNN", "OrbEvo", "OrbEvoScalar", "OrbitalModel", "ProteinOutput", "ProteinRPN", "ResponseOrbEvo"]
