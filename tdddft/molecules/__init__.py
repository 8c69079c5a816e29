"""Molecules: readers of files and data sets, and the selection from them."""
