import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tdddft import GenerateRecipe, InputError, read_molecules
from tdddft.dataset.plan import collect_molecules, select_shard
from tdddft.molecules.selection import Selection, select


@pytest.fixture(scope="module")
def g2():
    return read_molecules("g2")


def test_everything_is_the_default_and_keeps_the_order(g2):
    assert [m.name for m in select(g2, Selection())] == [m.name for m in g2]


@pytest.mark.parametrize(
    ("selection", "true_of"),
    [
        ({"elements": ("H", "C")}, lambda m: set(m.symbols) <= {"H", "C"}),
        ({"min_atoms": 4, "max_atoms": 6}, lambda m: 4 <= len(m.numbers) <= 6),
        ({"min_heavy_atoms": 2, "max_heavy_atoms": 3}, lambda m: 2 <= (m.numbers > 1).sum() <= 3),
    ],
)
def test_filters_keep_exactly_what_they_name(g2, selection, true_of):
    kept = select(g2, Selection(**selection))
    assert [m.name for m in kept] == [m.name for m in g2 if true_of(m)]
    assert 0 < len(kept) < len(g2)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), small=st.integers(1, 30), more=st.integers(0, 40))
def test_a_smaller_draw_is_the_start_of_a_larger_one(g2, seed, small, more):
    few = select(g2, Selection(count=small, seed=seed))
    many = select(g2, Selection(count=small + more, seed=seed))
    assert [m.name for m in many[:small]] == [m.name for m in few]
    assert len({m.name for m in many}) == small + more


def test_a_draw_does_not_prefer_the_front(g2):
    means = [np.mean([g2.index(m) for m in select(g2, Selection(count=10, seed=s))]) for s in range(200)]
    assert abs(np.mean(means) - (len(g2) - 1) / 2) < 2.0


def test_indices_from_a_list_and_from_a_file(tmp_path, data_folder):
    source = str(data_folder / "molecules/qm9/native20")
    (tmp_path / "wanted.txt").write_text("3\n7 a comment\n\n20\n")
    for wanted in ((3, 7, 20), str(tmp_path / "wanted.txt")):
        recipe = GenerateRecipe(name="x", molecules=(source,), selection=Selection(indices=wanted))
        assert [m.index for m in collect_molecules(recipe)] == [3, 7, 20]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"elements": ("Xy",)}, "Xy is not an element"),
        ({"indices": (5,)}, "no molecule 5"),
        ({"indices": "missing.txt"}, "missing.txt: there is no such file"),
        ({"count": 1000}, "73 of 73 molecules are left, 1000 wanted"),
        ({"min_atoms": 50}, "0 of 73 molecules are left"),
    ],
)
def test_selections_that_cannot_be_met_are_named(g2, selection, message):
    with pytest.raises(InputError, match=message):
        select(g2, Selection(**selection))


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 73), shards=st.integers(1, 9))
def test_shards_share_out_the_first_molecules(g2, limit, shards):
    parts = [select_shard(g2[:limit], (i, shards)) for i in range(1, shards + 1)]
    assert sorted(m.name for p in parts for m in p) == sorted(m.name for m in g2[:limit])
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
