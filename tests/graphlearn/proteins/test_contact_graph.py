"""Chains and their graphs of contacts."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from protein_files import make_chain
from torch_geometric.data import Batch

from graphlearn.base.errors import InputError
from graphlearn.proteins import NUM_FEATURES, PROFILE_ORDER, RESIDUE_ORDER, SECONDARY_ORDER, contact_graph


@given(st.integers(1, 40), st.floats(0.5, 30), st.integers(0, 1000))
@settings(deadline=None, max_examples=60)
def test_edges_are_the_pairs_within_the_cutoff(length, cutoff, seed):
    chain = make_chain(length, seed)
    graph = contact_graph(chain, cutoff)
    distance = np.linalg.norm(chain.ca_angstrom[:, None].astype(float) - chain.ca_angstrom, axis=-1)
    target, source = np.nonzero((distance <= cutoff) & ~np.eye(length, dtype=bool))
    assert graph.edge_index.tolist() == [source.tolist(), target.tolist()]
    assert graph.num_nodes == length


def test_columns_of_the_features():
    accessibility = np.linspace(0, 1, 12)
    accessibility[3] = np.nan
    chain = make_chain(accessibility=accessibility)
    graph = contact_graph(chain)
    assert graph.features.dtype == torch.float32
    assert graph.features.shape == (12, NUM_FEATURES) == (12, 52)
    residue, secondary, access, no_access, profile, no_profile = graph.features.split([21, 8, 1, 1, 20, 1], dim=1)
    assert "".join(RESIDUE_ORDER[i] for i in residue.argmax(1)) == chain.sequence
    assert "".join(SECONDARY_ORDER[i] for i in secondary.argmax(1)) == chain.secondary
    assert residue.sum() == secondary.sum() == 12
    assert torch.equal(graph.residue_type, residue.argmax(1))
    assert torch.equal(graph.secondary, secondary.argmax(1))
    np.testing.assert_allclose(access[:, 0], np.nan_to_num(accessibility), rtol=1e-6)
    assert no_access[:, 0].tolist() == np.isnan(accessibility).tolist()
    np.testing.assert_array_equal(profile, chain.profile)
    assert no_profile.sum() == 0
    bare = contact_graph(dataclasses.replace(chain, profile=None)).features
    assert bare[:, 31:51].abs().sum() == 0
    assert bare[:, 51].tolist() == [1.0] * 12


def test_every_residue_keeps_its_name_in_a_batch():
    chains = [make_chain(5), make_chain(7, name="2XYZ-B", profile=None)]
    batch = Batch.from_data_list([contact_graph(c) for c in chains])
    assert batch.name == ["1ABC-A", "2XYZ-B"]
    assert [len(ids) for ids in batch.residue_ids] == [5, 7]
    assert batch[1].residue_ids == chains[1].residue_ids
    assert batch.features.shape == (12, 52)


def test_memory_grows_with_the_contacts():
    chain = make_chain(5000)
    contact_graph(make_chain(10))
    tracemalloc.start()
    graph = contact_graph(chain)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert graph.num_edges > 5000
    assert peak < 5000 * 5000


@pytest.mark.parametrize("cutoff", [0.0, -1.0, float("nan"), float("inf")])
def test_cutoff_must_be_a_length(cutoff):
    with pytest.raises(InputError, match="cutoff of contacts must be a positive length"):
        contact_graph(make_chain(), cutoff)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sequence": ""}, "has no residue"),
        ({"ca_angstrom": np.zeros((11, 3))}, r"ca_angstrom has shape \(11, 3\), but \(12, 3\) is needed"),
        ({"accessibility": np.zeros((12, 1))}, "accessibility has shape"),
        ({"profile": np.zeros((12, 21))}, "profile has shape"),
        ({"plddt": np.zeros(3)}, "plddt has shape"),
        ({"secondary": "-"}, "secondary has 1 entries for 12 residues"),
        ({"residue_ids": ("A:1",)}, "residue_ids has 1 entries"),
        ({"sequence": "ARNDCQEGHIJO"}, "sequence holds 'JO', but only"),
        ({"secondary": "CCCCCCCCCCCC"}, "secondary holds 'C'"),
        ({"secondary_source": "stride"}, "secondary_source is 'stride'; choose from mdtraj"),
        ({"ca_angstrom": np.full((12, 3), np.nan)}, "residue A:0 has no finite C-alpha position"),
        ({"residue_ids": ("A:1",) * 12}, "residue A:1 stands twice"),
    ],
)
def test_chains_that_do_not_fit_together(changes, message):
    with pytest.raises(InputError, match=f"chain '1ABC-A': .*{message}"):
        make_chain(**changes)


def test_chain_is_compact():
    chain = make_chain()
    assert len(chain) == 12
    assert {chain.ca_angstrom.dtype, chain.accessibility.dtype, chain.profile.dtype} == {np.dtype("float32")}
    assert set(PROFILE_ORDER) < set(RESIDUE_ORDER)


def test_graphs_need_neither_biopython_nor_mdtraj():
    code = "import sys, graphlearn.proteins; print([m for m in ('Bio', 'mdtraj') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
