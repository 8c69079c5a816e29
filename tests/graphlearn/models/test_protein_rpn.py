"""ProteinRPN as a whole: sizes, independence of batch-mates and of the order, gradients, and what each part does."""

from __future__ import annotations

import pytest
import torch
from region_helpers import protein
from torch_geometric.data import Batch, Data

from graphlearn.models import ProteinRPN
from graphlearn.proteins import SECONDARY_ORDER
from graphlearn.testing import overfits

VARIANTS = [
    {},
    {"readout": "history"},
    {"readout": "mean"},
    {"readout": "attention"},
    {"cone": True},
    {"proposal": False},
    {"node_drop": False},
    {"functional_attention": False},
    {"proposal": False, "node_drop": False, "functional_attention": False},
]


def chain(size, seed=0):
    data = protein(size, seed, channels=52)
    generator = torch.Generator().manual_seed(seed)
    secondary = torch.randint(0, 8, (size,), generator=generator)
    return Data(
        features=data.x, pos=data.pos, secondary=secondary, edge_index=data.edge_index, place=torch.arange(size)
    )  # fmt: skip


def model(seed=0, **options):
    torch.manual_seed(seed)
    return ProteinRPN(52, 5, **{"channels": 16, "hidden": 8, "heads": 2, **options}).eval()


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)], ids=str)
def test_a_batch_equals_single_chains(options, dtype, tolerance):
    network = model(**options).to(dtype)
    chains = [chain(size, seed) for seed, size in enumerate((7, 1, 30, 12))]
    for data in chains:
        data.features, data.pos = data.features.to(dtype), data.pos.to(dtype)
    together = network(Batch.from_data_list(chains))
    first = 0
    for i, data in enumerate(chains):
        alone = network(data)
        torch.testing.assert_close(together.logits[i], alone.logits[0], atol=tolerance, rtol=tolerance)
        mine = (together.kept >= first) & (together.kept < first + data.num_nodes)
        torch.testing.assert_close(together.kept[mine] - first, alone.kept)
        torch.testing.assert_close(together.nodes[mine], alone.nodes, atol=tolerance, rtol=tolerance)
        first += data.num_nodes


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_the_order_of_residues_does_not_matter(options):
    network, data = model(**options).double(), chain(25, 3)
    data.features, data.pos = data.features.double(), data.pos.double()
    order = torch.randperm(25, generator=torch.Generator().manual_seed(1))
    place = torch.empty_like(order).index_copy(0, order, torch.arange(25))
    turned = Data(
        features=data.features[order], pos=data.pos[order], secondary=data.secondary[order],
        edge_index=place[data.edge_index], place=order,
    )  # fmt: skip
    plain, permuted = network(data), network(turned)
    torch.testing.assert_close(permuted.logits, plain.logits, atol=1e-12, rtol=1e-12)
    assert set(order[permuted.kept].tolist()) == set(plain.kept.tolist())
    if plain.proposal is not None:
        torch.testing.assert_close(permuted.proposal.mask, plain.proposal.mask[order], atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_every_weight_learns(options):
    network = model(**options).train()
    output = network(Batch.from_data_list([chain(30, 1), chain(20, 2)]))
    loss = output.logits.square().sum()
    if output.proposal is not None:
        loss = loss + output.proposal.objectness_logits.square().sum()
    loss.backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # Attention is blind to a shift of all its keys.
    assert [name for name in idle if not name.endswith("in_proj_bias")] == []


def test_a_turned_and_shifted_structure_gives_the_same():
    network, data = model(), chain(20)
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))[0]
    moved = Data(**{**data.to_dict(), "pos": data.pos @ rotation + 5})
    torch.testing.assert_close(network(moved).logits, network(data).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_it_learns_four_chains_by_heart(seed):
    """Frequencies of the terms alone reach 0.75 of the first loss; half of it took 9 to 43 steps on two processors."""
    network = model(seed, dropout=0.0)
    batch = Batch.from_data_list([chain(20, number) for number in range(4)])
    labels = torch.rand(4, 5, generator=torch.Generator().manual_seed(0)).round()
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    assert overfits(network, lambda: loss(network(batch).logits, labels), steps=200, learning_rate=3e-3, ratio=0.5)


def test_without_contacts_and_with_one_residue():
    lonely = Data(
        features=torch.randn(1, 52), pos=torch.zeros(1, 3), secondary=torch.zeros(1, dtype=torch.long),
        edge_index=torch.empty(2, 0, dtype=torch.long),
    )  # fmt: skip
    assert model()(lonely).logits.isfinite().all()


def test_wrong_arguments():
    with pytest.raises(ValueError, match="choose one of gmt"):
        ProteinRPN(52, 5, readout="sum")
    with pytest.raises(ValueError, match=r"takes \[N, 51\]"):
        ProteinRPN(51, 5)(chain(4))


def test_residues_are_convolved_by_their_place_in_the_chain():
    network, data = model(), chain(30, 4)
    behind = chain(30, 4)
    behind.place = None
    torch.testing.assert_close(network(behind).logits, network(data).logits)
    data.place = data.place.flip(0)
    assert not torch.allclose(network(behind).logits, network(data).logits, atol=1e-4)


def test_helix_bridge_and_strand_are_what_the_node_drop_favours():
    """Of 16 residues, two of each state of DSSP, the six in helix (H), bridge (B) and strand (E) are kept."""
    network, data = model(keep_ratio=6 / 16), chain(16, 2)
    data.secondary = torch.arange(16) % len(SECONDARY_ORDER)
    with torch.no_grad():
        network.node_drop.score.beta_secondary.fill_(1000.0)
    kept = network(data).kept
    assert [SECONDARY_ORDER[code] for code in data.secondary[kept]] == ["H", "B", "E", "H", "B", "E"]
