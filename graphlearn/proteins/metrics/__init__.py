"""Figures of merit of terms and of residues; arrays in, numbers out."""
