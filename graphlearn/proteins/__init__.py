"""Protein structures, their functions and the residues that carry them."""
