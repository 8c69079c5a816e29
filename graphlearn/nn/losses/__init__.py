"""Losses: contrastive, and consistency with an ontology."""
