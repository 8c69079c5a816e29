"""Whole networks, assembled from :mod:`graphlearn.nn`."""

from graphlearn.models.histograph import HistographGNN
from graphlearn.models.orbevo.model import OrbEvo
from graphlearn.models.orbevo.scalar import OrbEvoScalar
from graphlearn.models.orbital_model import OrbitalModel
from graphlearn.models.protein_rpn import ProteinOutput, ProteinRPN
from graphlearn.models.response.model import ResponseOrbEvo

__all__ = ["HistographGNN", "OrbEvo", "OrbEvoScalar", "OrbitalModel", "ProteinOutput", "ProteinRPN", "ResponseOrbEvo"]
