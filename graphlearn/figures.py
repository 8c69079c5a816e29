"""The former place of :func:`graphlearn.graphs.history_figure.history_figure`."""

from graphlearn.graphs.history_figure import history_figure

__all__ = ["history_figure"]
