"""Recipes: YAML files that are checked against typed sections."""
