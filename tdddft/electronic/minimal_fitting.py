"""The minimal fitting basis of TDDFT-ris: one Gaussian s function per atom."""

from __future__ import annotations

from typing import Any

from pyscf import df
from pyscf.data import elements

from graphlearn.base.errors import InputError
from tdddft.units import BOHR_ANGSTROM

THETA = 0.2
_TABLE = """
H:0.5292 He:0.3113 Li:1.6283 Be:1.0855 B:0.8141 C:0.6513 N:0.5428 O:0.4652 F:0.4071 Ne:0.3618 Na:2.165 Mg:1.6711
Al:1.3608 Si:1.1477 P:0.9922 S:0.8739 Cl:0.7808 Ar:0.7056 K:3.293 Ca:2.5419 Sc:2.4149 Ti:2.2998 V:2.1953 Cr:2.1
Mn:2.0124 Fe:1.9319 Co:1.8575 Ni:1.7888 Cu:1.725 Zn:1.6654 Ga:1.4489 Ge:1.2823 As:1.145 Se:1.0424 Br:0.9532
Kr:0.8782 Rb:3.8487 Sr:2.9709 Y:2.8224 Zr:2.688 Nb:2.5658 Mo:2.4543 Tc:2.352 Ru:2.2579 Rh:2.1711 Pd:2.0907
Ag:2.016 Cd:1.9465 In:1.6934 Sn:1.4986 Sb:1.344 Te:1.2183 I:1.1141 Xe:1.0263
"""
RADII_ANGSTROM = {symbol: float(radius) for symbol, radius in (entry.split(":") for entry in _TABLE.split())}


def minimal_fitting(mol: Any) -> df.DF:
    r"""PySCF's density fitting in one s function per atom, of exponent :math:`0.2 / R_A^2`.

    Args:
        mol: PySCF's molecule.

    Returns:
        The fitting, built.

    Raises:
        InputError: for an element without a radius.

    Source: Zhou, Della Sala and Parker, J. Phys. Chem. Lett. 14, 1968 (2023); radii of Ghosh et al., J. Mol. Struct.:
    THEOCHEM 865, 60 (2008).
    """
    symbols = {mol.atom_symbol(i): elements.charge(mol.atom_symbol(i)) for i in range(mol.natm)}
    basis = {}
    for label, number in symbols.items():
        if number == 0:
            raise InputError("kernel ris: a ghost atom has no radius; take kernel fitted or grid")
        symbol = elements.ELEMENTS[number]
        if symbol not in RADII_ANGSTROM:
            raise InputError(f"kernel ris: no radius of {symbol}; it is defined for hydrogen to xenon")
        basis[label] = [[0, [THETA * (BOHR_ANGSTROM / RADII_ANGSTROM[symbol]) ** 2, 1.0]]]
    fitting = df.DF(mol, auxbasis=basis)
    fitting.verbose = 0
    fitting.build()
    return fitting
