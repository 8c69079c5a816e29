"""Layers for your own PyTorch Geometric model."""

from graphlearn.nn.equivariant import *  # noqa: F403
from graphlearn.nn.equivariant import __all__ as _equivariant
from graphlearn.nn.readout import *  # noqa: F403
from graphlearn.nn.readout import __all__ as _readout

__all__ = [*_equivariant, *_readout]
