"""A file that another code writes from the table of docs/contracts.md, with h5py alone, is one of ours."""

import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from tdddft.cli import app

TIMES = np.arange(5) * 0.1


def write(path, **changes):
    """Two orbitals on two hydrogen atoms; ``changes`` replace arrays and metadata by their path."""
    position = np.zeros((3, 2, 2))
    position[2] = [[0.0, 0.7], [0.7, 0.1]]
    angle = 0.01 * TIMES
    mixed = np.stack([np.cos(angle), 1j * np.sin(angle)], axis=-1) * np.exp(0.5j * TIMES)[:, None]
    density = np.einsum("fa,fb->fab", mixed.conj(), mixed).real
    dipole = -2 * np.einsum("xab,fab->fx", position, density) + [0.0, 0.0, 1.4]
    fine = np.arange(41) * 0.01
    content = {
        "molecule/numbers": np.array([1, 1]), "molecule/positions_angstrom": np.array([[0.0, 0, 0], [0, 0, 0.74]]),
        "basis/ao_table": np.array([[0, 0, 0, 0], [1, 0, 0, 0]]), "ground_state/overlap": np.eye(2),
        "ground_state/dipole_ao_au": position, "ground_state/origin_au": np.zeros(3),
        "ground_state/fock_hartree": np.diag([-0.5, 0.3]), "ground_state/coefficients": np.array([[1.0, 0.0]]),
        "ground_state/energies_hartree": np.array([-0.5]), "ground_state/occupations": np.array([2.0]),
        "field/times_fs": fine, "field/field_au": np.exp(-((fine - 0.1) ** 2) / 2e-4)[:, None] * [0.0, 0.0, 1e-3],
        "field/impulse_au": np.zeros(3), "frames/times_fs": TIMES, "frames/coefficients": mixed[:, None, :],
        "frames/dipole_au": dipole, "frames/energy_hartree": np.full(5, -1.1), "frames/norm_error": np.zeros(5),
    }  # fmt: skip
    state = {"nuclear_dipole_au": [0.0, 0.0, 1.4], "converged": True}
    with h5py.File(path, "w") as file:
        file.attrs.update(format="tdddft-trajectory", schema_version=2, kind="simulated")
        for name, array in (content | changes).items():
            if not isinstance(array, dict):
                file[name] = array
        file["ground_state"].attrs["info"] = json.dumps({**state, **changes.get("info", {})})
    return path


def validated(path):
    done = CliRunner().invoke(app, ["validate", str(path), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_file_written_from_the_table_is_valid(tmp_path):
    code, said = validated(write(tmp_path / "other.h5"))
    assert (code, said["valid"]) == (0, True)
    assert all(result["passed"] is True for result in said["rules"].values())


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("finite numbers", {"frames/norm_error": np.full(5, np.nan)}),
        ("times increase", {"frames/times_fs": TIMES[::-1].copy()}),
        ("SCF converged", {"info": {"converged": False}}),
        ("lowest orbitals occupied", {"ground_state/fock_hartree": np.diag([-0.5, -0.7])}),
        ("dipole from coefficients", {"frames/dipole_au": np.ones((5, 3))}),
        ("S-orthonormality", {"ground_state/overlap": 1.01 * np.eye(2)}),
        ("energy after the field", {"frames/energy_hartree": -1.1 + 1e-3 * TIMES}),
    ],
)
def test_each_broken_rule_is_named(tmp_path, rule, changes):
    code, said = validated(write(tmp_path / "other.h5", **changes))
    assert (code, said["valid"]) == (1, False)
    assert said["rules"][rule]["passed"] is False
