"""Names of devices, and what is said of those that cannot be used."""

from __future__ import annotations

import pytest
import torch

from graphlearn.base.device import find_device
from graphlearn.base.errors import InputError


@pytest.mark.parametrize(
    ("count", "name", "device"),
    [(0, "auto", "cpu"), (0, "cpu", "cpu"), (2, "auto", "cuda:0"), (2, "cuda", "cuda:0"), (2, "cuda:1", "cuda:1"),
     (2, "cpu", "cpu")],
)  # fmt: skip
def test_a_name_gives_its_device(monkeypatch, count, name, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert find_device(name) == torch.device(device)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:", "cuda:x", "cuda:-1", "mps", "CPU", "cpu\n"])
def test_other_names_are_refused_with_those_that_exist(name):
    with pytest.raises(InputError, match="choose auto, cpu, cuda or cuda:N"):
        find_device(name)


@pytest.mark.parametrize(("count", "found"), [(0, "no CUDA device is available"), (1, "1 CUDA devices are available")])
def test_a_device_that_is_not_there_is_refused(monkeypatch, count, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(InputError, match=found):
        find_device("cuda:1")
