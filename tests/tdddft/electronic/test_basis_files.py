"""Basis sets of files: the same numbers as PySCF's own sets, in three formats, and nothing is evaluated."""

import numpy as np
import pytest
from pyscf import gto

from graphlearn.base.recipes.reading import parse_recipe, parse_stored
from tdddft import (
    GenerateRecipe,
    InputError,
    Kick,
    Method,
    Molecule,
    ground_state,
    level_of_theory,
    propagate,
    read_trajectory,
    write_trajectory,
)
from tdddft.dataset.plan import check_method
from tdddft.electronic.basis_files import ANGULAR, read_basis_file

FAST = {"grid_level": 1, "response_grid": 0}
NWCHEM = """# 6-31G of hydrogen and oxygen
BASIS "ao basis" CARTESIAN PRINT
#BASIS SET: (4s) -> [2s]
H    S
      0.1873113696D+02       0.3349460434D-01
      0.2825394365D+01       0.2347269535D+00
      0.6401216923D+00       0.8137573261D+00
H    S
      0.1612777588D+00       1.0000000
END
"""
GAUSSIAN = """! a comment
****
H     0
S    3   1.00
      18.73113696   0.03349460434
      2.825394365   0.2347269535
      0.6401216923  0.8137573261
S    1   1.00
      0.1612777588  1.0
****
"""
CP2K = """# a comment
H 6-31G
  2
  1 0 0 3 1
    18.73113696   0.03349460434
    2.825394365   0.2347269535
    0.6401216923  0.8137573261
  1 0 0 1 1
    0.1612777588  1.0
"""


def as_nwchem(name, symbols):
    lines = ["BASIS SPHERICAL"]
    for s in symbols:
        for l, *rows in gto.basis.load(name, s):
            lines += [f"{s} {ANGULAR[l]}", *(" ".join(f"{x:.15g}" for x in row) for row in rows)]
    return "\n".join([*lines, "END"]) + "\n"


def as_gaussian(name, symbols):
    lines = []
    for s in symbols:
        lines += ["****", f"-{s} 0"]
        for l, *rows in gto.basis.load(name, s):
            for column in range(1, len(rows[0])):
                lines.append(f"{ANGULAR[l]} {len(rows)} 1.00")
                lines += [f"{row[0]:.15g} {row[column]:.15g}" for row in rows]
    return "\n".join([*lines, "****"]) + "\n"


def as_cp2k(name, symbols):
    lines = []
    for s in symbols:
        shells = gto.basis.load(name, s)
        lines += [f"{s} {name}", str(len(shells))]
        for l, *rows in shells:
            lines.append(f"1 {l} {l} {len(rows)} {len(rows[0]) - 1}")
            lines += [" ".join(f"{x:.15g}" for x in row) for row in rows]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("text", [NWCHEM, GAUSSIAN, CP2K], ids=["nwchem", "gaussian", "cp2k"])
def test_the_three_formats_hold_the_same(tmp_path, text):
    path = tmp_path / "h.bas"
    path.write_text(text)
    found = read_basis_file(path)
    first, second = found["elements"]["H"]
    assert first["exponents"] == [18.73113696, 2.825394365, 0.6401216923]
    assert first["coefficients"] == [[0.03349460434, 0.2347269535, 0.8137573261]]
    assert (second["l"], second["exponents"], second["coefficients"]) == (0, [0.1612777588], [[1.0]])
    assert (found["source"], found["valence"]) == ("h.bas", False)


@pytest.mark.parametrize("write", [as_nwchem, as_gaussian, as_cp2k])
@pytest.mark.parametrize("name", ["6-31g*", "cc-pvdz"])
def test_a_molecule_has_the_energy_of_the_named_basis(tmp_path, write, name):
    path = tmp_path / "basis.txt"
    path.write_text(write(name, ["H", "O"]))
    named = ground_state("g2:H2O", Method(basis=name, density_fitting=False, **FAST))
    own = ground_state("g2:H2O", Method(basis_file=str(path), density_fitting=False, **FAST))
    assert own.energy_hartree == pytest.approx(named.energy_hartree, abs=1e-8)
    assert own.mol.nao == named.mol.nao


def test_general_contractions_sp_shells_scales_and_one_set_of_several_l(tmp_path):
    path = tmp_path / "x.bas"
    path.write_text("C SP\n 2.0 0.5 0.25\n 1.0 0.5 0.75\nC D\n 0.8 1.0 0.0\n 0.4 0.0 1.0\n")
    s, p, d = read_basis_file(path)["elements"]["C"]
    assert (s["l"], s["coefficients"], p["l"], p["coefficients"]) == (0, [[0.5, 0.5]], 1, [[0.25, 0.75]])
    assert d["coefficients"] == [[1.0, 0.0], [0.0, 1.0]]
    path.write_text("C 0\nSP 1 2.0\n 1.5 1.0 0.5\n****\n")
    s, p = read_basis_file(path)["elements"]["C"]
    assert (s["exponents"], p["coefficients"]) == ([6.0], [[0.5]])
    path.write_text("C DZVP-GTH\n1\n2 0 1 2 2 1\n 4.0 0.1 0.0 0.2\n 1.0 0.3 1.0 0.4\n")
    found = read_basis_file(path)
    s, p = found["elements"]["C"]
    assert (s["coefficients"], p["l"], p["coefficients"]) == ([[0.1, 0.3], [0.0, 1.0]], 1, [[0.2, 0.4]])
    assert found["valence"]


def test_the_file_keeps_the_functions_of_its_molecule_and_is_computed_again_from_them(tmp_path):
    path = tmp_path / "basis.nw"
    path.write_text(as_nwchem("6-31g", ["H", "C", "O"]))
    method = Method(basis_file=str(path), **FAST)
    assert method.basis_file is None
    trajectory = propagate(ground_state("g2:H2O", method), Kick(1e-3), steps=20)
    stored = write_trajectory(tmp_path / "t.h5", trajectory)
    path.unlink()
    molecule, again = level_of_theory(read_trajectory(stored))
    assert set(again.basis_functions.elements) == {"H", "O"}
    assert again.basis_functions.source == "basis.nw"
    assert again.level == "PBE/basis.nw"
    second = ground_state(molecule, again)
    assert second.energy_hartree == pytest.approx(trajectory.ground_state.energy_hartree, abs=1e-8)


def test_a_recipe_keeps_the_functions_and_its_hash_is_of_them(tmp_path):
    path = tmp_path / "basis.nw"
    path.write_text(as_nwchem("6-31g", ["H", "O"]))
    data = {"name": "x", "molecules": ["g2:H2O"], "method": {"basis_file": str(path)}}
    recipe = parse_recipe(data, GenerateRecipe)
    path.unlink()
    stored = parse_stored(recipe.model_dump(mode="json"), GenerateRecipe)
    assert stored == recipe
    assert "basis_functions" not in GenerateRecipe(name="x", molecules=("g2:H2O",)).model_dump()["method"]


def test_a_stored_recipe_names_no_file_to_be_read(tmp_path):
    path = tmp_path / "basis.nw"
    path.write_text(NWCHEM)
    with pytest.raises(InputError, match="basis_file"):
        parse_stored({"name": "x", "molecules": ["H2"], "method": {"basis_file": str(path)}}, GenerateRecipe)


def test_elements_beside_those_of_the_file_take_names(tmp_path):
    path = tmp_path / "h.nw"
    path.write_text(NWCHEM)
    with pytest.raises(InputError, match=r"names no basis for O, and h.nw none either"):
        ground_state("g2:H2O", Method(basis_file=str(path), **FAST))
    exact = {"basis": "6-31g", "density_fitting": False, **FAST}
    mixed, named = (
        ground_state("g2:H2O", Method(basis_file=str(path), **exact)),
        ground_state("g2:H2O", Method(**exact)),
    )
    assert mixed.energy_hartree == pytest.approx(named.energy_hartree, abs=1e-6)
    with pytest.raises(InputError, match=r"basis_file has no effect: it holds H, and none of O"):
        ground_state(Molecule("O", [8], [[0, 0, 0]]), Method(basis_file=str(path), basis="6-31g"))
    oxide = Molecule("O", [8], [[0, 0, 0]])
    check_method(
        [oxide, Molecule("H2", [1, 1], [[0, 0, 0], [0, 0, 0.74]])], Method(basis_file=str(path), basis="6-31g")
    )


def test_valence_functions_ask_for_their_pseudopotential(tmp_path):
    path = tmp_path / "gth.txt"
    path.write_text(as_cp2k("gth-dzvp", ["H", "O"]))
    with pytest.raises(ValueError, match="name the pseudopotential"):
        Method(basis_file=str(path))
    own = ground_state("g2:H2O", Method(basis_file=str(path), pseudopotential="gth-pbe", density_fitting=False, **FAST))
    named = ground_state("g2:H2O", Method(density_fitting=False, **FAST))
    assert own.energy_hartree == pytest.approx(named.energy_hartree, abs=1e-8)


def test_functions_with_a_named_core_potential(tmp_path):
    path = tmp_path / "i.nw"
    path.write_text(as_nwchem("def2-svp", ["H", "I"]))
    iodide = Molecule("HI", [53, 1], [[0, 0, 0], [0, 0, 1.609]])
    own = ground_state(iodide, Method(basis_file=str(path), ecp={"I": "def2-svp"}, density_fitting=False, **FAST))
    named = ground_state(iodide, Method(basis="def2-svp", density_fitting=False, **FAST))
    assert own.energy_hartree == pytest.approx(named.energy_hartree, abs=1e-8)


def test_a_mole_with_numbers_is_taken():
    numbers = {s: gto.basis.load("6-31g", s) for s in "OH"}
    atom = "O 0 0 0.117; H 0 0.757 -0.471; H 0 -0.757 -0.471"
    of_numbers, of_names = (
        ground_state(gto.M(atom=atom, basis=basis, verbose=0), Method(density_fitting=False, **FAST))
        for basis in (numbers, "6-31g")
    )
    assert of_numbers.energy_hartree == pytest.approx(of_names.energy_hartree, abs=1e-8)
    assert of_numbers.method.basis_functions.source == "PySCF Mole"
    assert np.array_equal(of_numbers.mol._bas[:, 1], of_names.mol._bas[:, 1])


@pytest.mark.parametrize("basis", [{"default": "sto-3g", "O": "numbers"}, {"default": "numbers", "O": "sto-3g"}])
def test_a_mole_with_names_and_numbers(basis):
    symbols = {"default": "H", "O": "O"}
    given = {k: gto.basis.load("6-31g", symbols[k]) if v == "numbers" else v for k, v in basis.items()}
    mol = gto.M(atom="O 0 0 0.117; H 0 0.757 -0.471; H 0 -0.757 -0.471", basis=given, verbose=0)
    state = ground_state(mol, Method(density_fitting=False, **FAST))
    of_numbers = {"O"} if basis["O"] == "numbers" else {"H"}
    assert state.method.basis_functions.elements.keys() == of_numbers
    assert state.mol.nao == mol.nao


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no basis functions"),
        ("# nothing\n", "holds no basis functions"),
        ("BASIS\nEND\n", "holds no basis functions"),
        ("H S\n __import__('os').system('touch_it') 1.0\n", "line 1.*no lines of an exponent"),
        ("H S\n 1.0 __import__('os')\n", "line 2.*stands where numbers"),
        ("H S\n 1.0 nan\n", "line 2.*stands where numbers"),
        ("H S\n 1.0 1e9999\n", "line 2.*stands where numbers"),
        ("H S\n 1.0 1.0\n 2.0 1.0 3.0\n", "line 3.*2 numbers are expected"),
        ("H Q\n 1.0 1.0\n", "line 1.*names no shell"),
        ("H S\n", "line 1.*no lines of an exponent"),
        ("H S\n 1.0\n", "line 1.*no lines of an exponent"),
        ("C SP\n 1.0 1.0\n", "line 1.*two coefficients"),
        ("Xx S\n 1.0 1.0\n", "line 1.*symbol of an element"),
        ("H S\n 1.0 1.0\nECP\nH nelec 2\n", "line 3.*core potential"),
        ("****\nH 0\nS 2 1.00\n 1.0 1.0\n****\n", r"line 5.*2 numbers are expected"),
        ("****\nH 0\nS 1 x\n 1.0 1.0\n****\n", "line 3.*scale"),
        ("****\nH 0\nS 9999 1.0\n 1.0 1.0\n****\n", "line 3.*more than 200 primitives"),
        ("****\nH 0\nS 1 1.0\n 1.0 1.0\n****\nH 0\nS 1 1.0\n 1.0 1.0\n****\n", "line 6.*second set"),
        ("****\nH 0\nS 2 1.00\n 1.0 1.0\n", "ends where a line of numbers is expected"),
        ("H SZV\n1\n1 0 0 1 1\n 1.0 1.0\nH DZV\n1\n1 0 0 1 1\n 1.0 1.0\n", "line 5.*second set of H, after SZV"),
        ("H SZV\n1\n1 0 9 1 1\n 1.0 1.0\n", "line 3.*is no set"),
        ("H SZV\n1\n1 0 0 9999 1\n 1.0 1.0\n", "line 3.*is no set"),
        ("H SZV\n2\n1 0 0 1 1\n 1.0 1.0\n", "ends where a set"),
    ],
)
def test_what_is_no_basis_set_is_named_with_its_line(tmp_path, text, reason):
    path = tmp_path / "broken.bas"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        read_basis_file(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("H S\n -1.0 1.0\n", "exponents must lie between"),
        ("H S\n 0.0 1.0\n", "exponents must lie between"),
        ("H S\n 1.0 0.0\n", "coefficients of zero alone"),
    ],
)
def test_numbers_that_make_no_function_are_named(tmp_path, text, reason):
    path = tmp_path / "broken.bas"
    path.write_text(text)
    with pytest.raises(ValueError, match=reason):
        Method(basis_file=str(path))


def test_large_binary_and_absent_files_are_refused(tmp_path):
    path = tmp_path / "large.bas"
    path.write_bytes(b"#" * 8_000_001)
    with pytest.raises(InputError, match="more than 8 MB"):
        read_basis_file(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_basis_file(path)
    with pytest.raises(InputError, match="no such file"):
        read_basis_file(tmp_path / "absent")
    with pytest.raises(InputError, match="device"):
        read_basis_file("/dev/zero")
