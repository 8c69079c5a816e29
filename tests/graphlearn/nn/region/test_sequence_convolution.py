"""Convolution along the chain: by hand, by batch, by order of the rows, by gaps."""

from __future__ import annotations

import pytest
import torch

from graphlearn.nn.region import SequenceConvolution


def layer(channels=4, num_layers=2, kernel_size=5):
    torch.manual_seed(0)
    return SequenceConvolution(channels, num_layers, kernel_size=kernel_size).double().eval()


def test_neighbours_in_the_sequence_by_hand():
    found = layer(1, 1, 3)
    found.norms[0] = torch.nn.Identity()
    with torch.no_grad():
        found.convolutions[0].weight.copy_(torch.tensor([[[1.0, 10.0, 100.0]]]))
        found.convolutions[0].bias.fill_(0.5)
    x = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)
    # before, itself, after: 10 + 200, 1 + 20 + 300, 2 + 30; plus the residue and the bias
    assert found(x, torch.arange(3)).flatten().tolist() == [211.5, 323.5, 35.5]
    gap = found(x, torch.tensor([0, 1, 5])).flatten().tolist()
    assert gap == [211.5, 1 + 20 + 2 + 0.5, 30 + 3 + 0.5]


def test_a_chain_does_not_see_the_others_of_its_batch():
    found, sizes = layer(), (9, 1, 14)
    xs = [torch.randn(n, 4, dtype=torch.float64) for n in sizes]
    place = torch.cat([torch.arange(n) for n in sizes])
    batch = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))
    together = found(torch.cat(xs), place, batch).split(sizes)
    for x, part in zip(xs, together, strict=True):
        assert torch.allclose(found(x, torch.arange(len(x))), part, atol=1e-12)


def test_the_order_of_the_rows_does_not_matter():
    found = layer()
    x, order = torch.randn(12, 4, dtype=torch.float64), torch.randperm(12)
    assert torch.allclose(found(x[order], order), found(x, torch.arange(12))[order], atol=1e-12)


def test_gradients_and_empty_input():
    found = layer(2, 1, 3)
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: found(v, torch.arange(5)), x)
    assert found(x[:0], torch.arange(0)).shape == (0, 2)
    assert SequenceConvolution(2, 0)(x.float(), torch.arange(5)).equal(x.float())


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="odd"):
        SequenceConvolution(4, kernel_size=4)
