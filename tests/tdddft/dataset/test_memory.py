import subprocess
import sys

import pytest

from graphlearn.base.machine import available_bytes
from tdddft import InputError, Method, read_molecules
from tdddft.dataset.memory import check_memory, estimate_bytes
from tdddft.dataset.recipe import Propagation

MEASURE = """
from pathlib import Path
from tdddft import GaussianPulses, Method, ground_state, propagate
state = ground_state({name!r}, Method(**{method!r}))
propagate(state, GaussianPulses((0, 0, 1)), steps=20)
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(peak.split()[1]) * 1024)
"""


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("g2:H2O", {}),
        ("g2:C6H6", {"response_grid": "coarse"}),
        ("g2:C3H8", {"functional": "PBE0"}),
        ("g2:C3H8", {"basis": "6-31g*", "pseudopotential": None, "density_fitting": False}),
    ],
)
def test_the_estimate_is_never_too_small_and_not_much_too_large(name, method):
    """Against the peak of a real process."""
    code = MEASURE.format(name=name, method=method)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    measured = float(done.stdout)
    estimate = estimate_bytes(read_molecules(name)[0], Method(**method), Propagation(steps=20))
    assert 0.95 * measured < estimate < 1.7 * measured, (measured, estimate)


def test_a_molecule_that_does_not_fit_is_refused_with_both_numbers():
    (benzene,) = read_molecules("C6H6")
    check_memory(benzene, Method(), Propagation(), None)
    check_memory(benzene, Method(), Propagation(), 8e9)
    with pytest.raises(InputError, match=r"C6H6 needs about \d\.\d GB, a worker has 0\.2 GB"):
        check_memory(benzene, Method(), Propagation(), 2e8)


def test_larger_sets_of_functions_and_grids_need_more():
    (water,) = read_molecules("H2O")
    small = estimate_bytes(water, Method(response_grid="coarse"), Propagation())
    assert estimate_bytes(water, Method(response_grid="fine"), Propagation()) > small
    assert estimate_bytes(water, Method(basis="gth-tzvp", response_grid="coarse"), Propagation()) > small


def test_the_kernel_of_a_linear_propagation_counts():
    """Benzene has 108 orbitals, 15 of them occupied; with exact exchange the kernel has two matrices between pairs."""
    (benzene,) = read_molecules("C6H6")
    method = Method(functional="PBE0")
    full, linear = (estimate_bytes(benzene, method, Propagation(propagator=p)) for p in ("adaptive", "linear"))
    assert linear - full >= 2 * 4 * 108 * 15 * 93 * 15


def test_a_limit_of_the_container_counts_less_what_it_has_used(tmp_path, monkeypatch):
    monkeypatch.setattr("graphlearn.base.machine.CGROUPS", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("100000000\n")
    (tmp_path / "memory.stat").write_text("anon 7\ninactive_file 20000000\n")
    unlimited = available_bytes()
    (tmp_path / "memory.max").write_text("300000000\n")
    assert available_bytes() == min(unlimited, 220_000_000)
