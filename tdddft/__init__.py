"""Real-time time-dependent density functional theory of small molecules on PySCF."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tdddft.pyscf_environment import set_pyscf_environment

_WHERE = {
    "Molecule": "molecule", "read_molecules": "sources", "Method": "recipe", "GenerateRecipe": "recipe",
    "GroundState": "scf", "ground_state": "scf", "Kick": "field", "GaussianPulses": "field", "Laser": "laser",
    "FieldSum": "field_data", "SampledField": "sampled_field", "read_field": "sampled_field",
    "Hamiltonian": "hamiltonian", "propagate": "propagation", "propagate_batch": "propagation",
    "free_evolution": "at_rest",
    "Adaptive": "propagators", "Multirate": "propagators", "Midpoint": "propagators", "Magnus4": "propagators",
    "EnforcedReversal": "propagators", "Trajectory": "trajectory", "read_trajectory": "trajectory",
    "write_trajectory": "trajectory", "validate": "validation", "absorption_spectrum": "spectrum",
    "generate": "generation", "InputError": "errors", "ConvergenceError": "errors", "ContractError": "errors",
}  # fmt: skip

__all__ = sorted(_WHERE)

set_pyscf_environment()


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'tdddft' has no attribute {name!r}")
    return getattr(import_module(f"tdddft.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
