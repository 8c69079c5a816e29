"""Data sets of many graphs, and single networks."""

from graphlearn.datasets.graphs.moleculenet import load_moleculenet
from graphlearn.datasets.graphs.planetoid import load_citations
from graphlearn.datasets.graphs.splits import Split
from graphlearn.datasets.graphs.table import GraphTable
from graphlearn.datasets.graphs.tu import load_tu

__all__ = ["GraphTable", "Split", "load_citations", "load_moleculenet", "load_tu"]
