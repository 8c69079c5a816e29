"""Names of basis sets, core potentials and functionals: those of PySCF's lists, and nothing that could be run."""

import builtins

import pytest
from pydantic import ValidationError
from pyscf.gto import basis as library

from tdddft import InputError, Method, Molecule, ground_state
from tdddft.electronic.method_names import (
    known_basis,
    known_ecp,
    known_pseudopotential,
    names_by_element,
    refuse_files_of_these_names,
)
from tdddft.electronic.mole import build_mol

HYDROGEN = Molecule("H2", [1, 1], [[0, 0, 0], [0, 0, 0.74]])
BARE = {"pseudopotential": None, "grid_level": 0}
NO_NAMES = [
    "H S\n 1.0 1.0", "/etc/passwd", "./basis.dat", "../sto-3g", "sto-3g\n", "a" * 81, "", "   ", "sto-3g\0",
    "__import__('os')", "C:\\basis", "~/basis",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NAMES)
@pytest.mark.parametrize("key", ["basis", "pseudopotential", "ecp", "functional"])
def test_what_is_no_name_is_refused(key, text):
    with pytest.raises(ValidationError, match="not its text and not a file"):
        Method(**{key: text})
    if key != "functional":
        with pytest.raises(ValidationError, match="not its text and not a file"):
            Method(**{key: {"H": text}})


@pytest.mark.parametrize("text", NO_NAMES)
def test_a_method_that_was_not_checked_is_refused_before_pyscf_sees_it(text):
    for key in ("basis", "pseudopotential", "ecp"):
        method = Method().model_copy(update={key: text})
        with pytest.raises(InputError, match="not its text and not a file"):
            build_mol(HYDROGEN, method)


@pytest.mark.parametrize(
    "name",
    ["sto-3g", "STO-3G", "6-31G*", "6-31g(d,p)", "6-311++G(2df,2pd)", "cc-pVDZ", "def2-SVP", "aug cc pvdz", "ano@2s1p",
     "unc-sto-3g", "gth-dzvp", "gth-tzv2p-molopt", "lanl2dz"],
)  # fmt: skip
def test_names_of_the_library_are_known(name):
    assert known_basis(name) == name


@pytest.mark.parametrize(
    "name", ["no-such", "def2-svp-jkfit", "weigend", "ano@", "ano@exec", "6-31g(x)", "bfd", "uncle"]
)
def test_unknown_and_fitting_bases_are_refused(name):
    with pytest.raises(InputError, match="unknown basis"):
        known_basis(name)


def test_an_unknown_name_comes_with_similar_ones():
    with pytest.raises(InputError, match="similar: augccpvdz"):
        known_basis("aug-cc-pvdzz")


def test_pseudopotentials_and_core_potentials_are_those_of_the_library():
    assert known_pseudopotential("GTH-PBE-q6") == "GTH-PBE-q6"
    assert known_ecp("def2-SVP") == "def2-SVP"
    with pytest.raises(InputError, match="known: gth-blyp"):
        known_pseudopotential("lanl2dz")
    with pytest.raises(InputError, match="unknown ecp 'gth-pbe'"):
        known_ecp("gth-pbe")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_basis_of_the_library_is_read_without_evaluation(monkeypatch):
    """The data that PySCF ships hold numbers alone, so that evaluation is switched off without a loss."""

    def never(*_):
        raise AssertionError("evaluated")

    monkeypatch.setattr(builtins, "eval", never)
    read = 0
    for name in (*library.ALIAS, *library.GTH_ALIAS):
        try:
            known_basis(name)
        except InputError:
            continue
        for symbol in ("H", "C", "Cl", "Zn", "I"):
            try:
                read += len(library.load(name, symbol)) > 0
            except (library.BasisNotFoundError, OSError, AttributeError, ModuleNotFoundError):
                continue
    assert read > 500


def test_names_differ_by_element():
    names = names_by_element({"default": "sto-3g", "O": "6-31g"}, ["O", "H", "H"])
    assert names == {"H": "sto-3g", "O": "6-31g"}
    with pytest.raises(ValidationError, match="'Xx' is not an element"):
        Method(basis={"Xx": "sto-3g"})
    mixed = ground_state("g2:H2O", Method(basis={"default": "sto-3g", "O": "6-31g*"}, **BARE))
    assert mixed.overlap.shape == (16, 16)


def test_a_basis_file_that_is_not_there_is_named():
    with pytest.raises(ValidationError, match=r"mine\.nw: there is no such file"):
        Method(basis_file="mine.nw")


def test_a_file_called_like_a_basis_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sto-3g").write_text("")
    for name in ("sto-3g", "sto-3g@1s", "uncsto-3g"):
        with pytest.raises(InputError, match="holds a file called 'sto-3g'"):
            refuse_files_of_these_names([name])
    refuse_files_of_these_names(["6-31g"])


@pytest.mark.parametrize("name", ["gth-dzvp", "gth-pbe", "ano", "weigend"])
def test_no_file_is_read_in_place_of_what_a_ground_state_needs(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("H S\n 1.0 1.0\n")
    with pytest.raises(InputError, match=f"holds a file called '{name}', which PySCF would read"):
        build_mol(HYDROGEN, Method())


@pytest.mark.parametrize("name", ["pbe-d3bj", "b97-d3", "B3LYP-D4", "pbe-d3zero"])
def test_a_dispersion_correction_is_refused_by_name(name):
    with pytest.raises(ValidationError, match=r"has a dispersion correction \([dD][34]"):
        Method(functional=name)


@pytest.mark.parametrize("name", ["b97-3c", "r2SCAN-3c", "hf-3c"])
def test_a_composite_method_is_refused_by_name(name):
    with pytest.raises(ValidationError, match="composite method with its own basis"):
        Method(functional=name)
