"""Data sets of many graphs, and single networks."""

from graphlearn.graphs.data.moleculenet import load_moleculenet
from graphlearn.graphs.data.planetoid import load_citations
from graphlearn.graphs.data.splits import Split
from graphlearn.graphs.data.table import GraphTable
from graphlearn.graphs.data.tu import load_tu

__all__ = ["GraphTable", "Split", "load_citations", "load_moleculenet", "load_tu"]
