"""Every equivariant layer against e3nn and against rotations, in float32 and float64."""

import math

import pytest
import torch
from e3nn import o3
from torch_geometric.data import Data

from graphlearn.nn import (
    AtomMatrix,
    DegreeLinear,
    DensityEncoder,
    EdgeRotation,
    EquivariantRMSNorm,
    FieldConditioning,
    GateActivation,
    PairMatrix,
    SeparableS2Activation,
    SO2Attention,
    SO2Linear,
    direction_harmonics,
    edge_frames,
    wigner_d,
)
from graphlearn.nn.equivariant.density import coupling_matrix, multiplicities, pack_orbitals
from graphlearn.testing import assert_equivariant, assert_gradcheck, assert_permutation_invariant

TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-12}


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def dtype(request):
    torch.manual_seed(1)
    default = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(default)


def rotation_and_d(lmax, dtype):
    rotation = o3.rand_matrix().double()
    return rotation.to(dtype), o3.Irreps.spherical_harmonics(lmax, p=1).D_from_matrix(rotation).to(dtype)


def test_edge_frames_put_edges_on_the_polar_axis(dtype):
    special = torch.eye(3).repeat(2, 1) * torch.tensor([1.0, 1, 1, -1, -1, -1])[:, None]
    vectors = torch.cat([special, special + 1e-7, torch.randn(50, 3)])
    frames = edge_frames(vectors)
    polar = torch.einsum("eij,ej->ei", frames, torch.nn.functional.normalize(vectors, dim=-1))
    assert (polar - torch.tensor([0.0, 1.0, 0.0])).abs().max() < TOLERANCE[dtype]
    assert (frames @ frames.transpose(1, 2) - torch.eye(3)).abs().max() < TOLERANCE[dtype]
    assert (torch.linalg.det(frames) - 1).abs().max() < TOLERANCE[dtype]


def test_wigner_d_equals_e3nn(dtype):
    rotation = o3.rand_matrix(20).double()
    for l, ours in enumerate(wigner_d(rotation.to(dtype), 6)):
        theirs = o3.Irrep(l, 1).D_from_matrix(rotation)
        assert (ours.double() - theirs).abs().max() < 20 * TOLERANCE[dtype]


def test_frames_are_the_same_twice():
    vectors = torch.randn(9, 3)
    assert torch.equal(EdgeRotation(vectors, 3).matrix(3), EdgeRotation(vectors, 3).matrix(3))


@pytest.mark.parametrize("lmax", [0, 2, 4])
def test_so2_linear_commutes_with_rotations_about_the_polar_axis(dtype, lmax):
    layer = SO2Linear(lmax, 3, 5, num_scalars=4)
    edge = torch.tensor([[0.0, 1.0, 0.0]])
    rolled = EdgeRotation(edge, lmax)
    angle = torch.tensor([0.7])
    roll = o3.Irreps.spherical_harmonics(lmax, p=1).D_from_matrix(o3.matrix_y(angle.double())).to(dtype)
    x = torch.randn(1, 2, (lmax + 1) ** 2, 3)
    scale = torch.randn(1, 1, layer.num_weights)

    def through(x):
        y, scalars = layer(rolled.into_edge(x, lmax), scale)
        return rolled.out_of_edge(y, lmax), scalars

    (y, scalars), (turned, same) = through(x), through(roll.unsqueeze(1) @ x)
    assert (roll.unsqueeze(1) @ y - turned).abs().max() < 10 * TOLERANCE[dtype]
    assert (scalars - same).abs().max() < 10 * TOLERANCE[dtype]


@pytest.mark.parametrize("lmax", [1, 3])
def test_linear_norm_and_gate_are_equivariant(lmax):
    torch.manual_seed(1)
    x, gates = torch.randn(4, 2, (lmax + 1) ** 2, 6), torch.randn(4, 2, lmax * 6)
    norm = EquivariantRMSNorm(lmax, 6)
    torch.nn.init.normal_(norm.gain)
    assert_equivariant(norm, [x], ["degrees"], "degrees", tolerance=TOLERANCE)
    assert_equivariant(DegreeLinear(lmax, 6, 6), [x], ["degrees"], "degrees", tolerance=TOLERANCE)
    assert_equivariant(GateActivation(lmax, 6), [x, gates], ["degrees", None], "degrees", tolerance=TOLERANCE)


def test_norm_equals_a_hand_worked_case():
    norm = EquivariantRMSNorm(1, 1, eps=0.0)
    x = torch.tensor([[[5.0], [1.0], [2.0], [2.0]]])  # l = 0 is centred away; l = 1: mean of 9/3 over two degrees
    assert torch.allclose(norm(x), torch.tensor([[[0.0], [1.0], [2.0], [2.0]]]) / math.sqrt(1.5))


def test_s2_activation_is_equivariant_to_the_grid_and_converges():
    torch.manual_seed(0)
    _, d = rotation_and_d(2, torch.float64)
    layer = SeparableS2Activation(2, 6).double()
    x, gates = torch.randn(50, 9, 6, dtype=torch.float64), torch.randn(50, 6, dtype=torch.float64)
    y = layer(x, gates)
    assert (layer(d @ x, gates) - d @ y).abs().mean() < 0.05 * y.abs().mean()
    small = layer(1e-3 * x, gates)[:, 1:]  # SiLU is x/2 + x^2/4 + ... near zero, which the grid resolves exactly
    assert (small - 0.5e-3 * x[:, 1:]).abs().max() < 5e-6


class Attention(torch.nn.Module):
    """Attention on positions."""

    def __init__(self, lmax, channels, **options):
        super().__init__()
        torch.manual_seed(1)
        self.layer = SO2Attention(lmax, channels, channels, **options)

    def forward(self, x, positions, edge_index, scalars, extra=None):
        vectors = positions[edge_index[1]] - positions[edge_index[0]]
        return self.layer(x, edge_index, EdgeRotation(vectors, self.layer.lmax), scalars, extra)


@pytest.mark.parametrize("edge_channels", [0, 4])
def test_attention_is_equivariant_and_does_not_see_edge_order(edge_channels):
    nodes = 5
    layer = Attention(
        3, 6, edge_scalars=3, heads=2, hidden_channels=8, alpha_channels=4, value_channels=3,
        edge_channels=edge_channels, radial_hidden=8,
    )  # fmt: skip
    edge_index = torch.tensor([[i, j] for i in range(nodes) for j in range(nodes) if i != j]).T
    x, positions, scalars = torch.randn(nodes, 2, 16, 6), torch.randn(nodes, 3), torch.randn(20, 3)
    extra = torch.randn(20, 16, edge_channels) if edge_channels else None
    kinds = ["degrees", "position", None, None, "degrees" if edge_channels else None]
    inputs = [x, positions, edge_index, scalars, extra]
    assert_equivariant(layer, inputs, kinds, "degrees", tolerance={torch.float32: 5e-5, torch.float64: 1e-11})
    data = Data(x=x, positions=positions, edge_index=edge_index, edge_attr=scalars, edge_extra=extra)
    assert_permutation_invariant(
        lambda d: layer(d.x, d.positions, d.edge_index, d.edge_attr, d.get("edge_extra")), data, level="node"
    )


def test_attention_gradients():
    edge_index = torch.tensor([[0, 1, 2, 0], [1, 0, 0, 2]])
    options = {"heads": 1, "hidden_channels": 2, "alpha_channels": 2, "value_channels": 2, "radial_hidden": 4}
    layer = Attention(1, 2, edge_scalars=2, **options)
    assert_gradcheck(layer, torch.randn(3, 1, 4, 2), torch.randn(3, 3), edge_index, torch.randn(4, 2))


def test_attention_names_missing_edge_features():
    layer = SO2Attention(1, 2, 2, edge_scalars=2, heads=1, edge_channels=3)
    with pytest.raises(ValueError, match="edge_channels=3"):
        layer(torch.randn(2, 4, 2), torch.tensor([[0], [1]]), EdgeRotation(torch.randn(1, 3), 1), torch.randn(1, 2))


def test_field_conditioning_depends_on_the_vector_field_alone(dtype):
    lmax = 3
    rotation, d = rotation_and_d(lmax, dtype)
    layer = FieldConditioning(lmax, 4, 10, hidden_channels=8)
    x, batch = torch.randn(5, 2, 16, 4), torch.tensor([0, 0, 0, 1, 1])
    strength, direction = torch.randn(2, 10), torch.nn.functional.normalize(torch.randn(2, 3), dim=-1)

    def apply(x, strength, direction):
        return layer(x, strength, direction_harmonics(direction, lmax), batch)

    y = apply(x, strength, direction)
    assert (apply(x, -strength, -direction) - y).abs().max() < 10 * TOLERANCE[dtype]
    assert (apply(d @ x, strength, direction @ rotation.T) - d @ y).abs().max() < 20 * TOLERANCE[dtype]
    assert (apply(x, -strength, direction) - y).abs().max() > 0.01
    off = torch.zeros_like(strength)
    assert (apply(x, off, direction) - apply(x, off, direction @ rotation.T)).abs().max() < TOLERANCE[dtype]


def test_field_along_the_polar_axis_is_a_bias_on_m_zero():
    harmonics = direction_harmonics(torch.tensor([[0.0, 1.0, 0.0]]), 2)
    assert torch.allclose(harmonics, torch.tensor([[1.0, 0, math.sqrt(3), 0, 0, 0, math.sqrt(5), 0, 0]]), atol=1e-6)
    assert torch.equal(direction_harmonics(torch.zeros(1, 3), 2), torch.eye(1, 9))


def test_coupling_counts_and_is_orthonormal():
    matrix = coupling_matrix((2, 2, 1), 4)
    assert multiplicities((2, 2, 1), 4) == [9, 17, 13, 5, 1]
    assert matrix.shape == (169, 169)
    assert (matrix.T @ matrix - torch.eye(169)).abs().max() < 1e-12


def density_inputs(dtype):
    nodes, states, frames = 3, 4, 2
    c0, delta = torch.randn(nodes, states, 9, 2), torch.randn(nodes, states, 9, 2, frames, 2)
    mask = torch.ones(9, 2)
    mask[4:, 1] = 0
    occupations = torch.full((nodes, states), 2.0)
    pairs = torch.tensor([[0, 1, 2, 0], [0, 2, 1, 1]])
    return c0 * mask, delta * mask[..., None, None], occupations, pairs


def test_density_blocks_are_the_linear_terms_of_the_density_matrix(dtype):
    c0, delta, occupations, pairs = density_inputs(dtype)
    encoder = DensityEncoder((2, 2, 1), 2, 4, lmax=2)
    blocks = encoder.blocks(c0, delta, occupations, pairs)

    def density(beta, frame, left, right):
        c = pack_orbitals(c0.unsqueeze(-1), encoder.shells)[..., 0] + beta * torch.complex(
            *pack_orbitals(delta[..., frame, :], encoder.shells).unbind(-1)
        )
        return torch.einsum("s,sa,sb->ab", occupations[0].to(c), c[left], c[right].conj())

    for p, (left, right) in enumerate(pairs.T.tolist()):
        assert torch.allclose(blocks[p, 0], density(0.0, 0, left, right).real, atol=1e-4)
        for frame in range(2):
            slope = density(0.5, frame, left, right) - density(-0.5, frame, left, right)  # the quadratic term cancels
            assert torch.allclose(blocks[p, 1 + frame], slope.real, atol=1e-4)
            assert torch.allclose(blocks[p, 3 + frame], slope.imag, atol=1e-4)


def test_density_encoder_is_equivariant_and_ignores_order_and_padding_of_states(dtype):
    c0, delta, occupations, pairs = density_inputs(dtype)
    _, d2 = rotation_and_d(2, dtype)
    rotation, d4 = rotation_and_d(4, dtype)
    d2 = o3.Irreps.spherical_harmonics(2, p=1).D_from_matrix(rotation.double()).to(dtype)
    encoder = DensityEncoder((2, 2, 1), 2, 4, lmax=4)
    y = encoder(c0, delta, occupations, pairs)
    turned = encoder(
        torch.einsum("ij,nsjr->nsir", d2, c0), torch.einsum("ij,nsj...->nsi...", d2, delta), occupations, pairs
    )
    assert (turned - d4 @ y).abs().max() < 100 * TOLERANCE[dtype]
    order = torch.randperm(4)
    shuffled = encoder(c0[:, order], delta[:, order], occupations, pairs)
    assert (shuffled - y).abs().max() < 50 * TOLERANCE[dtype]
    padded = encoder(
        torch.cat([c0, torch.randn_like(c0)], 1), torch.cat([delta, torch.randn_like(delta)], 1),
        torch.cat([occupations, torch.zeros_like(occupations)], 1), pairs,
    )  # fmt: skip
    assert (padded - y).abs().max() < 50 * TOLERANCE[dtype]


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_pair_matrices_turn_and_mirror_with_the_pair(mirror):
    layer = PairMatrix((2, 1, 1), (1, 2, 0, 1)).double()
    weights = torch.randn(4, layer.num_weights, dtype=torch.float64)
    vectors = torch.randn(4, 3, dtype=torch.float64)
    turn = mirror * o3.rand_matrix(dtype=torch.float64)

    def both(counts):
        irreps = o3.Irreps([(n, (l, (-1) ** l)) for l, n in enumerate(counts) if n])
        return irreps.D_from_matrix(turn)

    before = layer(weights, EdgeRotation(vectors, 3))
    after = layer(weights, EdgeRotation(vectors @ turn.T, 3))
    assert before.shape == (4, 10, 14)
    expected = both(layer.left) @ before @ both(layer.right).T
    assert (after - expected).abs().max() < 2e-6  # what e3nn makes of a matrix


def test_a_pair_along_the_axis_couples_equal_m_only():
    layer = PairMatrix((0, 1), (0, 0, 1))
    (matrix,) = layer(torch.tensor([[2.0, 3.0]]), EdgeRotation(torch.tensor([[0.0, 1.7, 0.0]]), 2))
    expected = torch.zeros(3, 5)
    expected[1, 2], expected[0, 1], expected[2, 3] = 2.0, 3.0, 3.0
    assert torch.allclose(matrix.abs(), expected, atol=1e-6)


def test_atom_matrices_are_multiples_of_unit_matrices():
    layer = AtomMatrix((1, 2, 1), (2, 1))
    (matrix,) = layer(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    expected = torch.zeros(12, 5)
    expected[0, :2] = torch.tensor([1.0, 2.0])
    expected[1:4, 2:], expected[4:7, 2:] = 3 * torch.eye(3), 4 * torch.eye(3)
    assert torch.equal(matrix, expected)
