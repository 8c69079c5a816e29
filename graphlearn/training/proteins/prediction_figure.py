"""The former place of :mod:`graphlearn.proteins.prediction_figure`."""

from graphlearn.proteins.prediction_figure import prediction_figure

__all__ = ["prediction_figure"]
