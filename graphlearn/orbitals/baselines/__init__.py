"""What a learned model has to beat: predictions without learning, and linear response."""

from graphlearn.orbitals.baselines.dynamic_modes import dynamic_modes
from graphlearn.orbitals.baselines.ground_states import GroundStates
from graphlearn.orbitals.baselines.linear_propagation import LinearPropagation
from graphlearn.orbitals.baselines.linear_response import LinearResponse
from graphlearn.orbitals.baselines.nearest import NearestGeometry
from graphlearn.orbitals.baselines.trivial import frozen_hamiltonian, persistence, zero

__all__ = [
    "GroundStates",
    "LinearPropagation",
    "LinearResponse",
    "NearestGeometry",
    "dynamic_modes",
    "frozen_hamiltonian",
    "persistence",
    "zero",
]
