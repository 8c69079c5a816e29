"""Content of structure files: PDB, mmCIF and BinaryCIF, with bounds on their size."""
