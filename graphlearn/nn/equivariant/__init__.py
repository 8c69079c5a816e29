"""Equivariant layers on spherical-harmonic features, in e3nn's convention."""

from graphlearn.nn.equivariant.activation import GateActivation, SeparableS2Activation, make_activation
from graphlearn.nn.equivariant.attention import SO2Attention
from graphlearn.nn.equivariant.density import DensityEncoder, pack_orbitals
from graphlearn.nn.equivariant.field import FieldConditioning, direction_harmonics
from graphlearn.nn.equivariant.frames import EdgeRotation, edge_frames, wigner_d
from graphlearn.nn.equivariant.linear import DegreeLinear
from graphlearn.nn.equivariant.norm import EquivariantRMSNorm
from graphlearn.nn.equivariant.pair_matrix import AtomMatrix, PairMatrix
from graphlearn.nn.equivariant.radial import EdgeScalars, GaussianBasis, RadialMLP
from graphlearn.nn.equivariant.so2 import SO2Linear

__all__ = [
    "AtomMatrix",
    "DegreeLinear",
    "DensityEncoder",
    "EdgeRotation",
    "EdgeScalars",
    "EquivariantRMSNorm",
    "FieldConditioning",
    "GateActivation",
    "GaussianBasis",
    "PairMatrix",
    "RadialMLP",
    "SO2Attention",
    "SO2Linear",
    "SeparableS2Activation",
    "direction_harmonics",
    "edge_frames",
    "make_activation",
    "pack_orbitals",
    "wigner_d",
]
