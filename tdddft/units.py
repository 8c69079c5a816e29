"""Conversion factors (CODATA 2018). Everything inside the program is in atomic units; names carry units elsewhere.

They stand here because the constants of PySCF (2010), ASE (2014) and SciPy (2022) would change stored numbers.
"""

BOHR_ANGSTROM = 0.529177210903
HARTREE_EV = 27.211386245988
AU_TIME_FS = 0.024188843265857
AU_FIELD_V_PER_ANGSTROM = 51.4220674763
NM_EV = 1239.841984332  # wavelength in nm times energy in eV
ROTATORY_STRENGTH_1E40_CGS = 471.443648  # one e bohr times one e hbar / m_e (two Bohr magnetons), 1e-40 esu^2 cm^2
CIRCULAR_DICHROISM_1E40_CGS = 22.9648269  # 3000 ln(10) hbar c / (16 pi^2 N_A), 1e-40 esu^2 cm^2 per L/(mol cm)
