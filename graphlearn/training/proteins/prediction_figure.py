"""The former place of :mod:`graphlearn.proteins.prediction.figure`."""

from graphlearn.proteins.prediction.figure import prediction_figure

__all__ = ["prediction_figure"]
