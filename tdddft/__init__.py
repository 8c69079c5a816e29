"""Real-time time-dependent density functional theory of small molecules on PySCF."""

from __future__ import annotations

from graphlearn.base.lazy_names import lazy_names
from tdddft.electronic.pyscf_environment import set_pyscf_environment

_NAMES = {
    "tdddft.molecules.molecule": ("Molecule",),
    "tdddft.molecules.sources": ("read_molecules",),
    "tdddft.electronic.method": ("Method",),
    "tdddft.dataset.recipe": ("GenerateRecipe",),
    "tdddft.electronic.ground_state": ("GroundState", "ground_state"),
    "tdddft.fields.base": ("Kick", "GaussianPulses"),
    "tdddft.fields.laser": ("Laser",),
    "tdddft.fields.serialization": ("FieldSum",),
    "tdddft.fields.sampled": ("SampledField", "read_field"),
    "tdddft.electronic.hamiltonian": ("Hamiltonian",),
    "tdddft.propagation.propagate": ("propagate", "propagate_batch"),
    "tdddft.propagation.lengthen": ("lengthen",),
    "tdddft.propagation.free_evolution": ("free_evolution",),
    "tdddft.propagation.run_options": ("RunOptions",),
    "tdddft.propagation.schemes": (
        "Adaptive",
        "Multirate",
        "Midpoint",
        "ExtrapolatedMidpoint",
        "Linear",
        "Magnus4",
        "ETRS",
        "EnforcedReversal",
    ),
    "tdddft.trajectory": ("Trajectory", "level_of_theory", "read_trajectory", "write_trajectory"),
    "tdddft.trajectory.validation": ("validate",),
    "tdddft.analysis.absorption": ("isotropic_absorption",),
    "tdddft.analysis.spectrum": ("absorption_spectrum", "find_peaks"),
    "tdddft.dataset.generate": ("GenerateOptions", "generate"),
    "graphlearn.base.errors": ("ContractError", "ConvergenceError", "InputError"),
}

__getattr__, __dir__, __all__ = lazy_names(__name__, _NAMES)

set_pyscf_environment()
