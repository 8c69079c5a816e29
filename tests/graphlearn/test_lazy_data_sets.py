"""``graphlearn.datasets`` re-exports the data sets of all systems, and loads none before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import graphlearn.datasets

HEAVY = ("h5py", "pyscf", "rdkit", "Bio", "ase", "matplotlib")


def test_importing_the_data_sets_loads_none_of_their_libraries():
    code = f"import sys, graphlearn.datasets; print(*set({HEAVY}) & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_every_name_is_the_object_that_its_module_defines():
    for name in graphlearn.datasets.__all__:
        assert getattr(graphlearn.datasets, name).__module__.startswith("graphlearn.")
    assert dir(graphlearn.datasets) == graphlearn.datasets.__all__
    assert graphlearn.datasets.IndependentParticles is graphlearn.datasets.ModeBasis


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'graphlearn\.datasets' has no attribute 'Proteins'"):
        _ = graphlearn.datasets.Proteins
