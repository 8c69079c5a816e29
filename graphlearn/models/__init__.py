"""Whole networks, assembled from :mod:`graphlearn.nn`."""

from graphlearn.models.histograph import HistographGNN
from graphlearn.models.orbevo import OrbEvo

__all__ = ["HistographGNN", "OrbEvo"]
