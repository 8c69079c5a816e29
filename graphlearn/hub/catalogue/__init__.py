"""What comes with the package, read from the cards, recipes and weights themselves; needs neither torch nor PySCF."""
