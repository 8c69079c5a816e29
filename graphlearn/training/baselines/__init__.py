"""What a learned model has to beat: predictions without learning, and linear response."""

from graphlearn.training.baselines.dynamic_modes import dynamic_modes
from graphlearn.training.baselines.linear_response import LinearResponse
from graphlearn.training.baselines.nearest import NearestGeometry
from graphlearn.training.baselines.simple import frozen_hamiltonian, persistence, zero

__all__ = ["LinearResponse", "NearestGeometry", "dynamic_modes", "frozen_hamiltonian", "persistence", "zero"]
