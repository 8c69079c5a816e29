import numpy as np
import pytest

from tdddft import ContractError, InputError, Kick, propagate
from tdddft.analysis.cube import density_on_grid, write_cube
from tdddft.analysis.observables import (
    field_energy_hartree,
    ground_orbital_populations,
    idempotency_error,
    mulliken_charges,
)
from tdddft.units import AU_TIME_FS


def test_populations_start_at_the_ground_state_and_keep_the_electrons(water_trajectory):
    t = water_trajectory
    energies, populations = ground_orbital_populations(t)
    occupied = len(t.occupations)
    assert np.allclose(energies[:occupied], t.energies_hartree, atol=1e-6)
    assert np.allclose(populations[0], [2.0] * occupied + [0.0] * (len(energies) - occupied), atol=1e-5)
    assert np.allclose(populations.sum(axis=1), 2 * occupied, atol=1e-5)
    assert populations[-1, occupied:].sum() > 1e-7


def test_charges_add_up_to_the_molecule(water_trajectory):
    charges = mulliken_charges(water_trajectory)
    assert charges.shape == (len(water_trajectory.times_fs), 3)
    assert np.abs(charges.sum(axis=1)).max() < 1e-5
    assert charges[0, 0] < -0.2  # oxygen
    state = water_trajectory.ground_state.model_copy(update={"ion_charges": None})
    with pytest.raises(ContractError, match="charges of the ions"):
        mulliken_charges(water_trajectory.replace(ground_state=state))


def test_work_of_the_field_is_what_the_molecule_gains(water):
    """The energy without the field changes by the work: dE/dt = E(t) . dmu/dt."""
    from tdddft import GaussianPulses

    t = propagate(water, GaussianPulses((0.3, 0.5, 0.8), amplitude_v_per_angstrom=0.1), steps=400, save_every=2)
    field = t.field_au[::2]
    power = np.einsum("fx,fx->f", field, np.gradient(t.dipole_au, t.times_fs / AU_TIME_FS, axis=0))
    times = t.times_fs / AU_TIME_FS
    work = np.concatenate([[0.0], np.cumsum(0.5 * (power[1:] + power[:-1]) * np.diff(times))])
    gained = t.energy_hartree - t.energy_hartree[0]
    assert np.abs(gained - work).max() < 0.01 * gained.max()
    assert np.abs(field_energy_hartree(t)).max() > gained.max()


def test_idempotency(water):
    t = propagate(water, Kick(1e-3, (1, 1, 1)), steps=40, precision="complex128")
    assert idempotency_error(t).max() < 1e-12
    assert idempotency_error(t.replace(frame_coefficients=1.01 * t.frame_coefficients)).max() > 1e-3


def test_density_on_a_grid_has_the_electrons_and_the_dipole(water):
    t = propagate(water, Kick(2e-2, (1, 1, 1)), steps=100, precision="complex128")
    low, density = density_on_grid(t, -1, spacing_au=0.2, margin_au=8.0, change=False)
    assert density.sum() * 0.2**3 == pytest.approx(8.0, abs=2e-3)
    low, change = density_on_grid(t, -1, spacing_au=0.2, margin_au=8.0)
    assert abs(change.sum() * 0.2**3) < 1e-5
    axes = [low[x] + 0.2 * np.arange(change.shape[x]) for x in range(3)]
    moments = [-np.einsum("xyz," + "xyz"[i] + "->", change, axes[i]) * 0.2**3 for i in range(3)]
    ground = water.nuclear_dipole_au - 2 * np.einsum(
        "xab,ap,bp->x", water.dipole_ao_au, *2 * (water.orbitals[:, : water.num_occupied],)
    )
    assert np.allclose(moments, t.dipole_au[-1] - ground, atol=2e-4 * np.abs(moments).max())


def test_cube_file_reads_back(water_trajectory, tmp_path):
    from ase.io.cube import read_cube_data

    path = write_cube(tmp_path / "w.cube", water_trajectory, 20, spacing_au=0.5)
    data, atoms = read_cube_data(str(path))
    _, density = density_on_grid(water_trajectory, 20, spacing_au=0.5)
    assert np.allclose(data, density, atol=1e-5 * np.abs(density).max())
    assert atoms.get_chemical_symbols() == ["O", "H", "H"]
    with pytest.raises(InputError, match="no frame 99"):
        write_cube(tmp_path / "w.cube", water_trajectory, 99)
    with pytest.raises(InputError, match="spacing"):
        write_cube(tmp_path / "w.cube", water_trajectory, 0, spacing_au=-1.0)
