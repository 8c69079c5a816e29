"""Whole networks, assembled from :mod:`graphlearn.nn`."""

from graphlearn.models.histograph import HistographGNN
from graphlearn.models.orbevo import OrbEvo
from graphlearn.models.orbevo_scalar import OrbEvoScalar

__all__ = ["HistographGNN", "OrbEvo", "OrbEvoScalar"]
