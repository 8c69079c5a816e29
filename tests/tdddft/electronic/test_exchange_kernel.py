"""The response of exact exchange: as one matrix, in factors, and from its definition."""

import numpy as np
import pytest
import torch

from tdddft.electronic.exchange_kernel import DenseExchange, FactoredExchange, exchange_kernel

CPU = torch.device("cpu")
SIZES = [(7, 3), (9, 2)]  # orbitals, occupied
SHARE = 0.3


def integrals(m, seed):
    """Symmetric positive integrals between orbitals, as density fitting gives them."""
    b = np.random.default_rng(seed).normal(size=(40, m, m))
    return b + b.transpose(0, 2, 1)


def defined(b, s, density, sign):
    """-c/2 [(mb|ij) + sign (mj|ib)] D_bj by four-index integrals."""
    four = np.einsum("Pab,Pij->abij", b, b)
    direct = np.einsum("mbij,bj->mi", four[:, s:, :s, :s], density)
    crossed = np.einsum("mjib,bj->mi", four[:, :s, :s, s:], density)
    return -0.5 * SHARE * (direct + sign * crossed)


@pytest.mark.parametrize("way", [DenseExchange, FactoredExchange])
def test_a_batch_has_the_response_of_its_definition(way):
    arrays = [integrals(m, seed) for seed, (m, _) in enumerate(SIZES)]
    kernel = way(arrays, [s for _, s in SIZES], SHARE, torch.float64, CPU)
    density = torch.zeros(2, 9, 3, dtype=torch.float64)
    for row, (m, s) in enumerate(SIZES):
        density[row, s:m, :s] = torch.randn(m - s, s, generator=torch.Generator().manual_seed(row)).double()
    for row, (m, s) in enumerate(SIZES):
        virtual = density[row, s:m, :s].numpy()
        for found, sign in ((kernel.even(density), 1), (kernel.odd(density), -1)):
            expected = defined(arrays[row], s, virtual, sign)
            assert np.allclose(found[row, s:m, :s], expected[s:], rtol=1e-10, atol=1e-10)
            if way is DenseExchange:  # the other leaves them out
                assert np.allclose(found[row, :s, :s], 0.5 * expected[:s], rtol=1e-10, atol=1e-10)


def test_many_pairs_are_kept_in_factors():
    few, many = integrals(8, 0), np.zeros((1, 1300, 1300))
    assert isinstance(exchange_kernel([few], [3], SHARE, torch.float32, CPU), DenseExchange)
    many[0, 0, 0] = many[0, 5, 0] = many[0, 0, 5] = 1.0
    assert isinstance(exchange_kernel([many], [5], SHARE, torch.float32, CPU), FactoredExchange)
