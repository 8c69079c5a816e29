"""The former place of :mod:`graphlearn.training.packaged`."""

from graphlearn.training.packaged import model_folder, model_recipe

__all__ = ["model_folder", "model_recipe"]
