"""What a learned model has to beat: predictions without learning, and linear response."""

from graphlearn.orbitals.baselines.dynamic_modes import dynamic_modes
from graphlearn.orbitals.baselines.linear_kernel import LinearKernel
from graphlearn.orbitals.baselines.linear_response import LinearResponse
from graphlearn.orbitals.baselines.nearest import NearestGeometry
from graphlearn.orbitals.baselines.trivial import frozen_hamiltonian, persistence, zero

__all__ = [
    "LinearKernel",
    "LinearResponse",
    "NearestGeometry",
    "dynamic_modes",
    "frozen_hamiltonian",
    "persistence",
    "zero",
]
