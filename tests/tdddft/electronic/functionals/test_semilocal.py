"""Closed forms against libxc to 1e-12, and what can and cannot be propagated."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from pyscf import dft

from tdddft import InputError
from tdddft.electronic.functionals.semilocal import (
    ROWS,
    Semilocal,
    check_functional,
    exact_exchange,
    exchange_terms,
    xc_kernel,
)

CLOSED = ["LDA", "LDA,VWN", "LDA,PW", "LDA,PW_MOD", "PBE", "PBE0"]


def densities(kind, count=4000, seed=0, low=-6.0, high=2.5):
    random = np.random.default_rng(seed)
    rho = 10 ** random.uniform(low, high, count)
    gradient = random.normal(size=(3, count)) * rho ** (4 / 3) * 2
    tau = (gradient**2).sum(0) / (8 * rho) * 1.5 + 0.1 * rho
    return np.vstack([rho[None], gradient, tau[None]])[: ROWS[kind]]


def libxc(functional, kind, density):
    rho = density if len(density) > 1 else density[0]
    energy, potential = dft.numint.NumInt().eval_xc_eff(functional, rho, deriv=1, xctype=kind)[:2]
    return energy * density[0], potential.reshape(density.shape)


@pytest.mark.parametrize("functional", CLOSED)
def test_closed_forms_equal_libxc(functional):
    semilocal = Semilocal(functional)
    density = densities(semilocal.kind)
    energy, potential = semilocal(torch.from_numpy(density))
    e, v = libxc(functional, semilocal.kind, density)
    assert np.abs(energy.numpy() / e - 1).max() < 1e-12
    assert (np.abs(potential.numpy() - v) / np.abs(v).max(axis=0)).max() < 1e-12


@pytest.mark.parametrize("functional", CLOSED)
def test_potentials_are_derivatives_of_the_energy(functional):
    semilocal = Semilocal(functional)
    density = torch.from_numpy(densities(semilocal.kind, 200, seed=1)).requires_grad_()
    energy, potential = semilocal(density)
    (slope,) = torch.autograd.grad(energy.sum(), density)
    potential = potential.detach()
    assert float(((slope - potential).abs() / potential.abs().amax(0)).max()) < 1e-11


@pytest.mark.parametrize("functional", ["B3LYP", "BLYP", "TPSS", "r2SCAN"])
def test_other_functionals_go_through_libxc_in_batches(functional):
    semilocal = Semilocal(functional)
    parts = [densities(semilocal.kind, 50, seed=s) for s in (2, 3)]
    energy, potential = semilocal(torch.from_numpy(np.stack(parts)))
    for i, part in enumerate(parts):
        e, v = libxc(functional, semilocal.kind, part)
        assert np.allclose(energy[i].numpy(), e, rtol=1e-13, atol=0)
        assert np.allclose(potential[i].numpy(), v, rtol=1e-13, atol=0)


@settings(max_examples=30, deadline=None)
@given(rho=st.floats(0.0, 1e4), slope=st.floats(-1e3, 1e3))
def test_any_density_gives_finite_numbers(rho, slope):
    point = torch.tensor([[rho], [slope], [0.0], [-slope]], dtype=torch.float64)
    energy, potential = Semilocal("PBE")(point)
    assert torch.isfinite(energy).all()
    assert torch.isfinite(potential).all()
    if rho < 1e-12:
        assert float(energy) == 0.0
        assert not potential.any()


def test_kernel_is_the_derivative_of_the_potential():
    density = densities("GGA", 50, seed=4, low=-2, high=1)
    second = xc_kernel("PBE", density[None])[0, :, 0]
    step = 1e-5 * density[0]
    for row in range(4):
        up, down = density.copy(), density.copy()
        up[row] += step
        down[row] -= step
        slope = (libxc("PBE", "GGA", up)[1] - libxc("PBE", "GGA", down)[1]) / (2 * step)
        assert np.allclose(slope, second[row], rtol=2e-5, atol=1e-6 * np.abs(second[row]).max())
    assert xc_kernel("TPSS", densities("MGGA", 5)[None]).shape == (1, 4, 1, 4, 5)
    assert xc_kernel("LDA,VWN", densities("LDA", 5)[None]).shape == (1, 1, 1, 1, 5)


def test_exact_exchange():
    assert [exact_exchange(f) for f in ("PBE", "HF", "PBE0", "B3LYP")] == pytest.approx([0.0, 1.0, 0.25, 0.2])


@pytest.mark.parametrize(
    ("functional", "terms"),
    [
        ("PBE", []),
        ("CAMB3LYP", [(0.19, 0.0), (0.46, 0.33)]),
        ("wB97X", [(0.157706, 0.0), (0.842294, 0.3)]),
        ("LC_wPBE", [(1.0, 0.4)]),
        ("HSE06", [(0.25, -0.11)]),
    ],
)
def test_range_separated_exchange_is_a_sum_of_positive_shares(functional, terms):
    got = exchange_terms(functional)
    assert len(got) == len(terms)
    for one, other in zip(got, terms, strict=True):
        assert one == pytest.approx(other)


@pytest.mark.parametrize(
    ("functional", "message"),
    [
        ("NOFUNC", "unknown functional 'NOFUNC'.*a libxc name"),
        ("LC-wPBE", "use LC_wPBE"),
        ("B97M_V", "nonlocal correlation"),
        ("MGGA_X_BR89", "Laplacian"),
    ],
)
def test_what_cannot_be_propagated_is_named(functional, message):
    with pytest.raises(InputError, match=message):
        check_functional(functional)


@pytest.mark.parametrize("functional", [*CLOSED, "B3LYP", "HF", "hf", "SCAN", "M06L", "BP86", "CAMB3LYP", "HSE06"])
def test_what_can_be_propagated(functional):
    check_functional(functional)


@pytest.mark.parametrize("name", ["APBE,", ",CHACHIYO"])
def test_a_name_with_several_meanings_is_refused_without_a_word_on_stderr(capsys, name):
    with pytest.raises(InputError, match="has several meanings"):
        check_functional(name)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["*", "--", "3*4*5", "rsh(1)", "pbe-d3bj", "b97-d3", "slater,foo", "pbe\n"])
def test_what_is_no_functional_is_refused_by_name(name):
    with pytest.raises(InputError, match="functional"):
        check_functional(name)
