"""Graph learning for molecules and proteins: layers, models, data sets and training."""

__version__ = "0.1.0"
