"""Ontologies of functions, and annotations with their terms."""
