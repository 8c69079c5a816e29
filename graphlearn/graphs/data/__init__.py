"""Data sets of many graphs, and single networks."""
