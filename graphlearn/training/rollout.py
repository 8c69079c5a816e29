"""The former place of :mod:`graphlearn.orbitals.rollout`."""

from graphlearn.orbitals.rollout import DivergedError, Rollout, bundle_disagreement

__all__ = ["DivergedError", "Rollout", "bundle_disagreement"]
