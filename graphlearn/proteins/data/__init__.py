"""Proteins with terms, as data sets."""
