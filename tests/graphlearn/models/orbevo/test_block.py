"""The block of OrbEvo: which branches it skips in training, and by how much it makes up for that."""

from __future__ import annotations

import torch

from graphlearn.models.orbevo.block import OrbEvoBlock, molecule_edges
from graphlearn.nn import GaussianBasis, direction_harmonics

ATTENTION = {
    "heads": 2, "hidden_channels": 2, "alpha_channels": 2, "value_channels": 2, "radial_hidden": 4,
    "activation": "gate",
}  # fmt: skip


def test_a_path_is_skipped_for_whole_states_and_else_made_larger():
    """Of 2 molecules with 200 states each a quarter of the paths is skipped, the others count 4/3: the mean stays."""
    torch.manual_seed(0)
    block = OrbEvoBlock(
        1, 2, 4, 3, ATTENTION, {"hidden_channels": 4}, density=None, ffn_channels=2, alpha_dropout=0.0,
        path_dropout=0.25,
    )  # fmt: skip
    with torch.no_grad():  # no second path
        block.feed_forward.contract.weight.zero_()
        block.feed_forward.contract.bias.zero_()
    edges, batch = torch.tensor([[0, 1, 2, 3, 4, 3], [1, 0, 3, 2, 3, 4]]), torch.tensor([0, 0, 1, 1, 1])
    geometry = molecule_edges(torch.tensor([8, 1, 6, 1, 1]), torch.randn(5, 3), edges, GaussianBasis(3, 5.0), 1)
    field = torch.randn(2, 4), direction_harmonics(torch.randn(2, 3), 1), batch
    x = torch.randn(5, 200, 4, 2)
    with torch.no_grad():
        whole = block.eval()(x, geometry, field) - x
        found = block.train()(x, geometry, field) - x
    ratios = (found * whole).sum((2, 3)) / whole.square().sum((2, 3))  # [atoms, states]
    torch.testing.assert_close(found, ratios[:, :, None, None] * whole, rtol=1e-3, atol=1e-4)
    kept = ratios > 0.5
    torch.testing.assert_close(ratios, torch.where(kept, 4 / 3, 0.0), rtol=1e-3, atol=1e-3)
    assert torch.equal(kept[0], kept[1])
    assert torch.equal(kept[2], kept[3])
    assert not torch.equal(kept[0], kept[2])
    assert 0.65 < kept[[0, 2]].float().mean() < 0.85
