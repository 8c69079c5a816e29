"""The examples in docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest
import torch
from torch import nn

import graphlearn

PACKAGES = ("graphlearn.nn", "graphlearn.testing", "graphlearn.interop")


def modules():
    """Names of all modules of the packages whose layers people import."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield from (m.name for m in pkgutil.walk_packages(package.__path__, f"{name}."))


@pytest.mark.parametrize("name", sorted(modules()))
def test_examples(name):
    assert name.startswith(graphlearn.__name__)
    if name.endswith("interop.dgl"):
        pytest.importorskip("dgl", reason="needs the extra graphlearn[dgl]")
    torch.manual_seed(0)
    result = doctest.testmod(importlib.import_module(name), extraglobs={"torch": torch, "nn": nn})
    assert result.failed == 0
