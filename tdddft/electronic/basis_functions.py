"""Basis functions by their exponents and coefficients, as a file or an object of PySCF gave them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from graphlearn.base.recipes.section import RecipeSection
from tdddft.molecules.molecule import SYMBOLS

LARGEST_L = 6
EXPONENTS = (1e-8, 1e12)
MOST_NUMBERS = 20_000  # of one element


class Shell(RecipeSection):
    """Contracted Gaussian functions of one angular momentum over the same primitives."""

    l: int = Field(ge=0, le=LARGEST_L)
    exponents: tuple[float, ...] = Field(min_length=1)
    coefficients: tuple[tuple[float, ...], ...] = Field(min_length=1, description="one row per contraction")

    @model_validator(mode="after")
    def _makes_sense(self) -> Shell:
        low, high = EXPONENTS
        if not all(low <= exponent <= high for exponent in self.exponents):
            raise ValueError(f"exponents must lie between {low:g} and {high:g}")
        if any(len(row) != len(self.exponents) for row in self.coefficients):
            raise ValueError("a contraction must have one coefficient per exponent")
        if not all(any(row) for row in self.coefficients):
            raise ValueError("a contraction has coefficients of zero alone")
        return self

    def for_pyscf(self) -> list[Any]:
        """The shell as PySCF takes it: ``[l, [exponent, coefficient, ...], ...]``."""
        return [
            self.l,
            *([e, *row] for e, row in zip(self.exponents, zip(*self.coefficients, strict=True), strict=True)),
        ]


class BasisFunctions(RecipeSection):
    """Shells by element, spherical and normalised when they are used."""

    source: str = Field("", max_length=200, description="name of the file that they came from")
    elements: dict[str, tuple[Shell, ...]] = Field(min_length=1)

    @field_validator("elements")
    @classmethod
    def _usable(cls, value: dict[str, tuple[Shell, ...]]) -> dict[str, tuple[Shell, ...]]:
        for symbol, shells in value.items():
            if symbol not in SYMBOLS[1:]:
                raise ValueError(f"{symbol[:20]!r} is not an element")
            if not shells:
                raise ValueError(f"there are no functions of {symbol}")
            if sum(np.size(shell.coefficients) for shell in shells) > MOST_NUMBERS:
                raise ValueError(f"more than {MOST_NUMBERS} coefficients of {symbol}")
        return value

    def only(self, symbols: Iterable[str]) -> BasisFunctions | None:
        """The functions of these elements; None where there are none."""
        wanted = set(symbols)
        kept = {symbol: shells for symbol, shells in self.elements.items() if symbol in wanted}
        return self.model_copy(update={"elements": kept}) if kept else None
