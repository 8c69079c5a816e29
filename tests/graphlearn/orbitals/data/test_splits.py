import pytest
from hypothesis import given, settings, strategies as st

from graphlearn.datasets import split_at_random, split_by_molecule, split_by_size
from tdddft import GenerateRecipe, InputError, Molecule, read_molecules
from tdddft.dataset.ownership import locked
from tdddft.dataset.plan import collect_molecules, trajectory_ids
from tdddft.dataset.store import DatasetFolder
from tdddft.molecules.selection import selection_table

MOLECULES = ("g2:H2O", "g2:NH3", "g2:CH4", "g2:C2H6", "smiles:CCO", "smiles:COC", "smiles:CCCC")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder whose index says that everything is done; splits do not open the files."""
    root = tmp_path_factory.mktemp("split") / "set"
    recipe = GenerateRecipe.model_validate(
        {
            "name": "set",
            "molecules": MOLECULES,
            "distortions": {"count": 2},
            "field": {"directions": [[0, 0, 1], [1, 0, 0]]},
        }
    )
    molecules = collect_molecules(recipe)
    dataset = DatasetFolder(root)
    with locked(dataset, recipe, selection_table(molecules)):
        pass
    for molecule in molecules:
        for identifier in trajectory_ids(molecule, recipe):
            record = {"id": identifier, "status": "done", "file": "", "molecule": molecule.name}
            dataset.append(record)
    return root


@settings(max_examples=50, deadline=None)
@given(count=st.integers(3, 60), validation=st.floats(0.0, 0.3), test=st.floats(0.1, 0.5), seed=st.integers(0, 99))
def test_random_parts_are_disjoint_and_complete(count, validation, test, seed):
    names = [f"t{i}" for i in range(count)]
    try:
        parts = split_at_random(names, validation, test, seed)
    except InputError:
        assert round(count * test) == 0 or round(count * test) + round(count * validation) >= count
        return
    assert sorted([*parts.train, *parts.validation, *parts.test]) == sorted(names)
    assert len(parts.test) == round(count * test)
    assert parts == split_at_random(names, validation, test, seed)


def test_the_split_of_the_orbevo_paper_is_the_permutation_it_names():
    import numpy as np

    names = [str(i) for i in range(5000)]
    order = np.random.default_rng(34).permutation(5000).astype(str).tolist()
    parts = split_at_random(names, 500, 500, 34)
    assert (parts.train, parts.validation, parts.test) == (order[:4000], order[4000:4500], order[4500:])


@pytest.mark.parametrize("seed", range(5))
def test_a_molecule_is_never_in_two_parts(folder, seed):
    parts = split_by_molecule(folder, 0.2, 0.3, seed)
    whose = {
        part: {name.split("_d")[0].split("-g")[0] for name in getattr(parts, part)}
        for part in ("train", "validation", "test")
    }
    assert not whose["train"] & whose["test"]
    assert not whose["train"] & whose["validation"]
    assert not whose["validation"] & whose["test"]
    assert sum(len(getattr(parts, p)) for p in whose) == len(MOLECULES) * 3 * 2


def test_isomers_with_smiles_are_different_molecules(folder):
    ids = {
        name: part
        for seed in range(20)
        for part in ("train", "test")
        for name in [f"{part}{seed}"]
        if {n.split("-g")[0].split("_d")[0] for n in getattr(split_by_molecule(folder, 0.0, 0.4, seed), part)}
        & {"CCO", "COC"}
        not in (set(), {"CCO", "COC"})
    }
    assert ids


def test_large_molecules_are_held_out(folder):
    parts = split_by_size(folder, 2, 0.25, 0)
    assert {n.split("_d")[0].split("-g")[0] for n in parts.test} == {"CCO", "COC", "CCCC"}
    assert len(parts.validation) == round(0.25 * 4 * 6)
    assert len(parts.train) == 4 * 6 - 6
    assert not {n.split("-g")[0].split("_d")[0] for n in parts.train} & {
        n.split("-g")[0].split("_d")[0] for n in parts.validation
    }
    with pytest.raises(InputError, match="choose another size"):
        split_by_size(folder, 4, 0.1, 0)


def test_a_molecule_known_without_smiles_is_not_held_apart_from_itself(tmp_path):
    recipe = GenerateRecipe(name="set", molecules=("g2:H2O", "smiles:O", "smiles:CCO", "smiles:COC"))
    molecules, dataset = collect_molecules(recipe), DatasetFolder(tmp_path / "set")
    with locked(dataset, recipe, selection_table(molecules)):
        for m in molecules:
            dataset.append({"id": f"{m.name}_d0", "status": "done", "file": "", "molecule": m.name})
    for seed in range(8):
        parts = split_by_molecule(dataset.root, 0.0, 0.5, seed)
        assert ("H2O_d0" in parts.train) == ("O_d0" in parts.train)


def test_parts_do_not_depend_on_who_finished_first(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "copy")
    lines = (folder / "index.jsonl").read_text().splitlines()
    (tmp_path / "copy/index.jsonl").write_text("\n".join(reversed(lines)) + "\n")
    assert split_by_molecule(folder, 0.2, 0.3, 1) == split_by_molecule(tmp_path / "copy", 0.2, 0.3, 1)
    assert split_by_size(folder, 2, 0.2, 1) == split_by_size(tmp_path / "copy", 2, 0.2, 1)


def test_a_folder_without_a_table_says_what_to_do(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy/selection.csv").unlink()
    with pytest.raises(InputError, match="run the same 'tdddft generate' again"):
        split_by_molecule(tmp_path / "copy", 0.1, 0.1, 0)


def test_the_table_says_where_every_molecule_comes_from():
    (ethanol,) = read_molecules("smiles:CCO")
    table = selection_table([ethanol, Molecule("he", [2], [[0, 0, 0]], source="helium.xyz[4]", index=4)])
    header, first, second = table.splitlines()
    assert header == "name,index,source,formula,atoms,heavy_atoms,smiles,geometry,charge,charge_from"
    assert first.startswith("CCO,,smiles:CCO (RDKit ETKDGv3 + MMFF94),C2H6O,9,3,CCO,")
    assert second.startswith("he,4,helium.xyz[4],He,1,1,,")
