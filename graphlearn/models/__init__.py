"""Whole networks, assembled from :mod:`graphlearn.nn`."""

from graphlearn.models.orbevo import OrbEvo

__all__ = ["OrbEvo"]
