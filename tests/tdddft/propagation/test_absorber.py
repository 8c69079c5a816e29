"""A complex absorbing potential: its matrix, every scheme under it, and what files and checks make of it."""

import csv

import numpy as np
import pytest
import torch
from pyscf import gto
from scipy.integrate import quad, solve_ivp

from tdddft import (
    ETRS,
    Adaptive,
    ExtrapolatedMidpoint,
    GenerateRecipe,
    Hamiltonian,
    InputError,
    Laser,
    Linear,
    Magnus4,
    Method,
    Midpoint,
    Molecule,
    Multirate,
    ground_state,
    lengthen,
    propagate,
    read_trajectory,
    validate,
    write_trajectory,
)
from tdddft.__main__ import main
from tdddft.electronic.absorber import Absorber, absorber_ao, absorber_matrices
from tdddft.units import AU_TIME_FS, BOHR_ANGSTROM

ABSORBER = Absorber(start_angstrom=2.0, width_angstrom=3.0, strength_hartree=0.2)
LASER = Laser(12.0, cosine_v_per_angstrom=(0, 0, 3.0), duration_fs=0.8)
TIMES = {"steps": 200, "dt_fs": 0.005, "save_every": 10, "precision": "complex128"}
SCHEMES = {
    "adaptive": Adaptive(1e-2, 1.0 / AU_TIME_FS),
    "multirate": Multirate(),
    "midpoint": Midpoint(),
    "extrapolated": ExtrapolatedMidpoint(),
    "magnus4": Magnus4(),
    "etrs": ETRS(),
}


@pytest.fixture(scope="module")
def diffuse():
    level = Method(basis="aug-cc-pvdz", pseudopotential=None, functional="HF", response_precision="float64")
    return ground_state("H2", level)


@pytest.fixture(scope="module")
def ionised(diffuse):
    return propagate(diffuse, LASER, **TIMES, propagator=Magnus4(), absorber=ABSORBER)


@pytest.fixture(scope="module")
def reference(diffuse):
    """The equation of motion integrated by a Runge-Kutta method of order eight: norm and dipole at the end."""
    hamiltonian = Hamiltonian(diffuse)
    absorber = torch.as_tensor(absorber_matrices(diffuse, ABSORBER)[0])
    shape = hamiltonian.ground_orbitals().shape

    def slope(t, packed):
        c = torch.from_numpy(packed).reshape(shape)
        field = torch.as_tensor(LASER.at(np.array([t * AU_TIME_FS])))
        matrix = torch.diag_embed(hamiltonian.energies) + hamiltonian.response(c)[0] + hamiltonian.coupling(field)
        return (-1j * (matrix - 1j * absorber) @ c).numpy().ravel()

    start = hamiltonian.ground_orbitals().numpy().ravel()
    end = solve_ivp(slope, (0, 1.0 / AU_TIME_FS), start, method="DOP853", rtol=1e-8, atol=1e-10).y[:, -1]
    dipole = hamiltonian.electronic_dipole_au(torch.from_numpy(end.copy()).reshape(shape))[0].numpy()
    return 2.0 - 2.0 * (np.abs(end) ** 2).sum(), dipole + diffuse.nuclear_dipole_au


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_absorbs_as_the_equation_of_motion_says(diffuse, reference, name):
    t = propagate(diffuse, LASER, **TIMES, propagator=SCHEMES[name], absorber=ABSORBER)
    lost, dipole = reference
    assert lost > 0.02
    assert t.ionised_charge[-1] == pytest.approx(lost, rel=0.01)
    assert np.abs(t.dipole_au[-1] - dipole).max() < 0.01 * np.ptp(t.dipole_au[:, 2])


def test_the_matrix_is_the_radial_integral():
    """One diffuse s function of helium."""
    exponent = 0.05
    mol = gto.M(atom="He 0 0 0", basis={"He": [[0, [exponent, 1.0]]]}, verbose=0)
    found = absorber_ao(mol, ABSORBER)[0, 0]

    def integrand(r):
        return 4 * np.pi * r**2 * (2 * exponent / np.pi) ** 1.5 * np.exp(-2 * exponent * r**2) * radial(r)

    def radial(r):
        part = np.clip((r * BOHR_ANGSTROM - 2.0) / 3.0, 0, 1)
        return 0.2 * np.sin(np.pi / 2 * part) ** 2

    exact = quad(integrand, 0, 40, points=[2 / BOHR_ANGSTROM, 5 / BOHR_ANGSTROM], limit=200)[0]
    assert found == pytest.approx(exact, rel=1e-4)


def test_the_loss_is_twice_the_potential_times_the_density(ionised, diffuse):
    """dN/dt = -2 tr(W D), with the part of D outside of the occupied orbitals."""
    amplitudes = ionised.frame_coefficients @ (diffuse.overlap @ diffuse.orbitals)
    rate = 4 * np.einsum("fsa,ab,fsb->f", amplitudes.conj(), absorber_matrices(diffuse, ABSORBER)[0], amplitudes).real
    times = ionised.times_fs / AU_TIME_FS
    lost = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(times))])
    assert np.abs(ionised.ionised_charge - lost).max() < 0.01 * lost[-1]


def test_without_a_field_nothing_moves_and_nothing_is_lost(diffuse):
    still = propagate(diffuse, Laser(10.0, (0, 0, 0)), 20, absorber=ABSORBER, precision="complex128")
    assert np.abs(still.ionised_charge).max() < 1e-12
    assert np.ptp(still.dipole_au, axis=0).max() < 1e-12


def test_a_file_says_what_absorbed_and_its_checks_follow(ionised, tmp_path):
    t = read_trajectory(write_trajectory(tmp_path / "t.h5", ionised))
    assert t.provenance.absorber == ABSORBER.model_dump()
    assert "absorber of 0.2 hartree from 2 angstrom" in t.provenance.propagator
    results = {result.rule: result for result in validate(t)}
    assert all(result.passed is not False for result in results.values())
    assert results["energy after the field"].passed is None
    assert "electrons absorbed" in results["norm under the absorber"].detail
    grown = t.frame_coefficients.copy()
    grown[-1] *= 1.01
    failed = [result.rule for result in validate(t.replace(frame_coefficients=grown)) if result.passed is False]
    assert "norm under the absorber" in failed
    plain = t.replace(provenance=t.provenance.model_copy(update={"absorber": None}))
    assert "S-orthonormality" in [result.rule for result in validate(plain) if result.passed is False]


def test_a_lengthened_run_absorbs_on(diffuse, ionised):
    half = propagate(diffuse, LASER, **{**TIMES, "steps": 100}, propagator=Magnus4(), absorber=ABSORBER)
    whole = lengthen(half, 200, hamiltonian=Hamiltonian(diffuse))
    assert np.abs(whole.frame_coefficients - ionised.frame_coefficients).max() < 1e-10
    assert whole.provenance.absorber == ABSORBER.model_dump()


def test_what_cannot_absorb_is_refused(diffuse):
    compact = ground_state("H2", Method(basis="sto-3g", pseudopotential=None, functional="HF"))
    with pytest.raises(InputError, match=r"no orbital of the basis reaches the absorber 9 angstrom.*diffuse"):
        propagate(compact, LASER, 20, absorber=Absorber(start_angstrom=9.0))
    with pytest.raises(InputError, match="the linear propagator keeps every electron"):
        propagate(diffuse, LASER, 20, absorber=ABSORBER, propagator=Linear())


def test_a_radical_loses_electrons_of_both_spins():
    places = [[0, 0, 0.14], [0, 0.8, -0.49], [0, -0.8, -0.49]]
    radical = Molecule("NH2", [7, 1, 1], places, multiplicity=2)
    level = Method(basis="6-31++g", pseudopotential=None, functional="HF")
    near = Absorber(start_angstrom=1.5, width_angstrom=2.0)
    t = propagate(ground_state(radical, level), LASER, 100, propagator=Magnus4(), absorber=near)
    norms = np.einsum("sa,ab,sb->s", t.frame_coefficients[-1].conj(), t.overlap, t.frame_coefficients[-1]).real
    assert (1 - norms[t.spins > 0]).sum() > 1e-4
    assert (1 - norms[t.spins < 0]).sum() > 1e-4
    assert t.ionised_charge[-1] == pytest.approx((1 - norms).sum(), abs=1e-5)
    assert all(result.passed is not False for result in validate(t))


def test_a_recipe_names_it_and_keeps_the_hash_of_those_without():
    base = {"name": "x", "molecules": ["H2"]}
    assert "absorber" not in GenerateRecipe.model_validate(base).model_dump()["propagation"]
    with_one = {**base, "propagation": {"absorber": {"start_angstrom": 3.0}}}
    recipe = GenerateRecipe.model_validate(with_one)
    assert recipe.propagation.absorber == Absorber(start_angstrom=3.0)
    assert GenerateRecipe.model_validate(recipe.model_dump()) == recipe
    with pytest.raises(ValueError, match="linear keeps every electron"):
        GenerateRecipe.model_validate({**base, "propagation": {"absorber": {}, "propagator": "linear"}})


def test_a_data_set_and_observe_show_the_ionised_charge(capsys, monkeypatch, tmp_path):
    words = (
        "generate", "H2", "--out", tmp_path / "set", "-j", 1, "--set", "field.kind=sum", "--set",
        "field.terms=[{kind: laser, photon_energy_ev: 12, cosine_v_per_angstrom: [0, 0, 3], duration_fs: 0.4}]",
        "--set", "propagation={steps: 100, propagator: magnus4, absorber: {start_angstrom: 2, width_angstrom: 3}}",
        "--set", "method.basis=aug-cc-pvdz", "--set", "method.functional=HF",
    )  # fmt: skip
    assert run(capsys, monkeypatch, *words)[0] == 0
    file = tmp_path / "set/trajectories/H2_d0.h5"
    code, said = run(capsys, monkeypatch, "observe", file, "--csv", tmp_path / "o.csv", "--figure", tmp_path / "o.png")
    assert code == 0
    assert "ionised charge: 0.0" in said
    charges = [float(row["ionised_charge_e"]) for row in csv.DictReader((tmp_path / "o.csv").open())]
    assert charges[0] < 1e-6 < charges[-1]
    assert run(capsys, monkeypatch, "show", file, "--figure", tmp_path / "s.png")[0] == 0
    code, said = run(capsys, monkeypatch, "validate", file)
    assert code == 0
    assert "absorber takes energy away" in said


def run(capsys, monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["tdddft", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0, capsys.readouterr().out
