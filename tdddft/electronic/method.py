"""The level of theory: functional, basis, core potentials, grids and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from graphlearn.base.recipes.section import STORED, RecipeSection
from tdddft.electronic.basis_files import read_basis_file
from tdddft.electronic.basis_functions import BasisFunctions
from tdddft.electronic.method_names import functional_name, is_gth_basis, names_or_name


class Method(RecipeSection):
    """Level of theory of the ground state and of the propagation."""

    functional: str = Field(
        "PBE",
        description="libxc name as PySCF takes it: PBE, B3LYP, TPSS, LDA,VWN (LDA alone is exchange only), ...; HF",
    )
    basis: str | dict[str, str] = Field(
        "gth-dzvp", description="PySCF name of a Gaussian basis, or names by element: {default: gth-dzvp, O: gth-tzvp}"
    )
    basis_file: str | None = Field(
        None,
        exclude=True,
        description="file of a basis set in the format of NWChem, Gaussian 94 or CP2K, for the elements that it holds; "
        "what it says is kept as basis_functions",
    )
    basis_functions: BasisFunctions | None = Field(
        None, description="shells by element, in place of a name; basis gives those of the other elements"
    )
    pseudopotential: str | dict[str, str] | None = Field(
        "gth-pbe",
        description="PySCF name of a GTH pseudopotential, or names by element; null, also where a basis that is no GTH "
        "basis is given alone, for all electrons or the core potential of the basis",
    )
    ecp: str | dict[str, str] | None = Field(
        None,
        description="PySCF name of an effective core potential, or names by element; null: the one that the basis was "
        "made with, if any",
    )
    grid_level: int = Field(3, ge=0, le=9, description="integration grid of the ground state")
    response_grid: Literal["coarse", "medium", "fine"] | Annotated[int, Field(ge=0, le=9)] = Field(
        "medium", description="integration grid of the change of the Fock matrix; an integer is a PySCF level"
    )
    response_precision: Literal["float32", "float64"] = Field(
        "float32", description="of the matrix products that give the change of the Fock matrix"
    )
    density_fitting: bool = Field(True, description="fit the Coulomb interaction; false takes exact integrals")
    solvent: str | Annotated[float, Field(ge=1)] | None = Field(
        None,
        description="solvent as a polarisable continuum: a name as water, acetonitrile, ..., or its static dielectric "
        "constant; null for none",
    )
    solvent_model: Literal["iefpcm", "cpcm"] = "iefpcm"
    solvent_response: Literal["frozen", "fast"] = Field(
        "frozen",
        description="in the propagation: frozen keeps the reaction field of the ground state, fast lets its electronic "
        "part follow the electrons at once, with the optical dielectric constant",
    )
    optical_dielectric: float | None = Field(
        None, ge=1, description="of the fast response; by default the square of the solvent's refractive index"
    )
    scf_tolerance_hartree: float = Field(1e-11, gt=0)
    scf_max_cycles: int = Field(100, ge=1)

    @property
    def level(self) -> str:
        """Functional and basis in short, ``PBE/gth-dzvp``."""
        file = "" if self.basis_functions is None else self.basis_functions.source or "own functions"
        return f"{self.functional}/{self.basis or file}"

    @field_validator("functional")
    @classmethod
    def _functional(cls, value: str) -> str:
        return functional_name(value)

    @field_validator("basis", "pseudopotential", "ecp")
    @classmethod
    def _names(cls, value: Any, info: ValidationInfo) -> Any:
        return value if value is None else names_or_name(str(info.field_name), value)

    @model_validator(mode="before")
    @classmethod
    def _before(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("basis_file") is not None:
            data = _with_file(data, stored=bool((info.context or {}).get(STORED)))
        if data.get("basis_functions") is not None:
            return {"basis": {}, "pseudopotential": None, **data} if "basis" not in data else _for_its_basis(data)
        return _for_its_basis(data)

    def idle(self) -> Mapping[str, str]:
        """The integration grids without a density functional, keys of a solvent without one."""
        keys = ("grid_level", "response_grid") if self.functional.upper() == "HF" else ()
        idle = dict.fromkeys(keys, "Hartree-Fock takes no integration grid")
        if self.solvent is None:
            idle |= dict.fromkeys(("solvent_model", "solvent_response", "optical_dielectric"), "there is no solvent")
        elif self.solvent_response == "frozen":
            idle["optical_dielectric"] = "method.solvent_response is frozen"
        return idle

    @model_serializer(mode="wrap")
    def _without_idle(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Also without keys that are null and were added later, so that hashes stay what they were."""
        left_out = {
            *self.idle(),
            *(key for key in ("ecp", "basis_functions", "solvent", "optical_dielectric") if getattr(self, key) is None),
        }
        return {key: value for key, value in handler(self).items() if key not in left_out}


def _for_its_basis(data: dict[str, Any]) -> dict[str, Any]:
    """Without a pseudopotential, where none is named and no basis is made for one."""
    if "basis" in data and "pseudopotential" not in data:
        names = data["basis"].values() if isinstance(data["basis"], dict) else [data["basis"]]
        if not any(isinstance(name, str) and is_gth_basis(name) for name in names):
            return {**data, "pseudopotential": None}
    return data


def _with_file(data: dict[str, Any], *, stored: bool) -> dict[str, Any]:
    """With the content of the basis file in place of its path."""
    if stored or data.get("basis_functions") is not None or not isinstance(data["basis_file"], str):
        raise ValueError("basis_file: the path of one file, in a recipe, and not beside basis_functions")
    found = read_basis_file(data["basis_file"])
    if found.pop("valence") and data.get("pseudopotential") is None:
        raise ValueError(
            f"basis_file: the sets of {found['source']} are named after GTH pseudopotentials, and hold valence "
            "functions alone; name the pseudopotential, as pseudopotential: gth-pbe"
        )
    rest = {key: value for key, value in data.items() if key != "basis_file"}
    return {**rest, "basis_functions": found}
