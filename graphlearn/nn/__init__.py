"""Layers for your own PyTorch Geometric model."""

from graphlearn.nn.equivariant import *  # noqa: F403
from graphlearn.nn.equivariant import __all__ as _equivariant

__all__ = [*_equivariant]
