"""What comes with the package, read from the cards, recipes and weights themselves; needs neither torch nor PySCF."""

from graphlearn.hub.catalogue.datasets import DataSet, data_sets
from graphlearn.hub.catalogue.models import Recipe, System, Weights, systems

__all__ = ["DataSet", "Recipe", "System", "Weights", "data_sets", "systems"]
