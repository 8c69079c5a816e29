import numpy as np
import pytest

from tdddft import Method
from tdddft.electronic.grids import response_grid
from tdddft.electronic.mole import build_mol
from tdddft.molecules.molecule import Molecule


@pytest.fixture(scope="module")
def carbon_monoxide():
    return build_mol(Molecule("CO", [6, 8], [[0, 0, 0], [0, 0, 1.13]]), Method())


def test_finer_grids_have_more_points_and_smaller_errors(carbon_monoxide):
    """The integral of a Gaussian between the atoms."""
    errors, sizes = [], []
    for grid in ("coarse", "medium", "fine"):
        points, weights = response_grid(carbon_monoxide, grid)
        value = weights @ np.exp(-1.3 * ((points - [0.1, 0.2, 0.9]) ** 2).sum(axis=1))
        errors.append(abs(value / (np.pi / 1.3) ** 1.5 - 1))
        sizes.append(len(weights))
    assert sizes == sorted(sizes)
    assert errors[0] < 1e-2
    assert errors[1] < 1e-4
    assert errors[2] < 1e-5


def test_integers_are_levels_of_pyscf(carbon_monoxide):
    from pyscf import dft

    grids = dft.gen_grid.Grids(carbon_monoxide)
    grids.level = 1
    grids.build()
    points, weights = response_grid(carbon_monoxide, 1)
    assert weights.sum() == pytest.approx(grids.weights.sum(), rel=1e-12)
    assert points.shape == (len(weights), 3)


def test_every_period_has_a_grid():
    mol = build_mol(Molecule("HBr", [1, 35], [[0, 0, 0], [0, 0, 1.41]]), Method(basis="def2-svp", pseudopotential=None))
    assert len(response_grid(mol, "coarse")[1]) > 2000
