"""Layers for your own PyTorch Geometric model."""

from graphlearn.nn.equivariant import *  # noqa: F403
from graphlearn.nn.equivariant import __all__ as _equivariant
from graphlearn.nn.losses.contrastive import info_nce_loss, supervised_contrastive_loss
from graphlearn.nn.losses.true_path import propagate_to_ancestors, true_path_loss
from graphlearn.nn.readout import *  # noqa: F403
from graphlearn.nn.readout import __all__ as _readout
from graphlearn.nn.region import *  # noqa: F403
from graphlearn.nn.region import __all__ as _region

__all__ = [
    *_equivariant,
    *_readout,
    *_region,
    "info_nce_loss",
    "propagate_to_ancestors",
    "supervised_contrastive_loss",
    "true_path_loss",
]
