"""The configuration file that PySCF is given in place of one that lies in the working folder; PySCF runs it.

It switches off the evaluation of numbers in basis sets and geometries as Python.
"""

DISABLE_EVAL = True
