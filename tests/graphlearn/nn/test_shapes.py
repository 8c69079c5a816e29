"""What does not fit is refused by name: no layer broadcasts, cuts off or fills up without a word."""

from __future__ import annotations

import pytest
import torch

from graphlearn.models import HistographGNN
from graphlearn.nn import (
    AtomMatrix,
    DegreeLinear,
    DensityEncoder,
    EdgeRotation,
    EquivariantRMSNorm,
    FieldConditioning,
    FunctionalAttention,
    GateActivation,
    GaussianBasis,
    HistoryReadout,
    JumpingReadout,
    PairMatrix,
    SeparableS2Activation,
    SequenceConvolution,
    SO2Attention,
    SO2Linear,
    anchor_regions,
    direction_harmonics,
    edge_frames,
    objectness_targets,
    penumbral_similarity,
)
from graphlearn.testing import assert_equivariant

EDGES = torch.tensor([[0, 1, 2, 0], [1, 0, 0, 2]])
VECTORS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
NODES = torch.zeros(3, dtype=torch.long)


def attention(**options):
    torch.manual_seed(0)
    options = {"heads": 2, "hidden_channels": 4, "alpha_channels": 2, "value_channels": 2, **options}
    return SO2Attention(2, 2, 3, edge_scalars=4, **options)


def attend(x=(3, 9, 2), edges=EDGES, rotation=None, scalars=(4, 4), extra=None, **options):
    rotation = EdgeRotation(VECTORS, 2) if rotation is None else rotation
    return attention(**options)(
        torch.ones(x), edges, rotation, torch.ones(scalars), None if extra is None else torch.ones(extra)
    )


def condition(x=(3, 2, 9, 4), strength=(2, 5), harmonics=(2, 9), batch=(3,)):
    torch.manual_seed(0)
    layer = FieldConditioning(2, 4, 5)
    return layer(torch.ones(x), torch.ones(strength), torch.ones(harmonics), torch.zeros(batch, dtype=torch.long))


def encode(c0=(3, 2, 4, 2), delta=(3, 2, 4, 2, 2, 2), occupations=(3, 2)):
    return DensityEncoder((2, 1), 2, 4, lmax=2)(torch.ones(c0), torch.ones(delta), torch.ones(occupations), EDGES)


REFUSED = {
    "a rotation of lower degree": (
        lambda: attend(rotation=EdgeRotation(VECTORS, 1)),
        r"degrees 0 to 1, but degree 2.*EdgeRotation\(edge_vec, 2\)",
    ),
    "a degree that is not there": (lambda: EdgeRotation(VECTORS, 1).degree(2), "degrees 0 to 1, but degree 2"),
    "a negative degree": (lambda: EdgeRotation(VECTORS, 1).degree(-1), "degree -1"),
    "a rotation of one edge": (
        lambda: attend(rotation=EdgeRotation(VECTORS[:1], 2)),
        "4 edges, but rotation is that of 1",
    ),
    "features of other edges": (
        lambda: EdgeRotation(VECTORS[:1], 2).into_edge(torch.ones(4, 1, 9, 2), 2),
        "that of 1 edges, but there are features of 4",
    ),
    "vectors in a plane": (lambda: EdgeRotation(VECTORS[:, :2], 2), r"edge_vec has shape \(4, 2\)"),
    "scalars of one edge": (lambda: attend(scalars=(1, 4)), r"scalars has shape \(1, 4\); expected \[4, 4\]"),
    "features of higher degree": (lambda: attend(x=(3, 16, 2)), r"x has shape \(3, 1, 16, 2\)"),
    "one component": (lambda: EquivariantRMSNorm(2, 4)(torch.ones(5, 1, 4)), r"expected \[..., 9, 4\], degrees 0 to 2"),
    "one channel": (lambda: EquivariantRMSNorm(2, 4)(torch.ones(5, 9, 1)), r"expected \[..., 9, 4\]"),
    "missing edge features": (lambda: attend(edge_channels=3), "built with edge_channels=3; pass edge_features"),
    "edge features of one edge": (
        lambda: attend(edge_channels=3, extra=(1, 9, 3)),
        r"edge_features has shape \(1, 9, 3\)",
    ),
    "edge features for nobody": (lambda: attend(extra=(4, 9, 3)), "takes no edge_features"),
    "too many degrees for a linear map": (
        lambda: DegreeLinear(1, 2, 2)(torch.ones(3, 9, 2)),
        r"expected \[..., 4, 2\]",
    ),
    "too few degrees for a linear map": (lambda: DegreeLinear(2, 2, 2)(torch.ones(3, 4, 2)), r"expected \[..., 9, 2\]"),
    "gates of one row": (
        lambda: GateActivation(1, 2)(torch.ones(3, 4, 2), torch.ones(1, 2)),
        r"gates has shape \(1, 2\); expected \[3, 2\]",
    ),
    "gates without states": (
        lambda: GateActivation(1, 2)(torch.ones(3, 3, 4, 2), torch.ones(3, 2)),
        r"expected \[3, 3, 2\]",
    ),
    "S2 gates of one row": (
        lambda: SeparableS2Activation(1, 2)(torch.ones(3, 4, 2), torch.ones(1, 2)),
        r"expected \[3, 2\]",
    ),
    "weights of another width": (
        lambda: SO2Linear(1, 2, 2)(torch.ones(3, 1, 4, 2), torch.ones(3, 1, 2)),
        "scale has shape",
    ),
    "a field of one graph": (lambda: condition(harmonics=(1, 9)), r"harmonics has shape \(1, 9\); expected \[2, 9\]"),
    "a field of other samples": (lambda: condition(strength=(2, 1)), r"strength has shape \(2, 1\); expected \[2, 5\]"),
    "a batch vector of one node": (lambda: condition(batch=(1,)), r"batch has shape \(1,\); expected \[3\]"),
    "features of lower degree in a field": (lambda: condition(x=(3, 2, 1, 4)), r"expected \[..., 9, 4\]"),
    "occupations of one atom": (
        lambda: encode(occupations=(3, 1)),
        r"occupations has shape \(3, 1\); expected \[3, 2\]",
    ),
    "a history of one state": (lambda: encode(delta=(3, 1, 4, 2, 2, 2)), r"delta has shape \(3, 1, 4, 2, 2, 2\)"),
    "orbitals of too few shells": (
        lambda: encode(c0=(3, 2, 4, 1)),
        r"c0 has shape \(3, 2, 4, 1\).*for shells \(2, 1\)",
    ),
    "weights of one pair": (
        lambda: PairMatrix((1,), (1,))(torch.ones(1, 1), EdgeRotation(VECTORS, 0)),
        r"weights has shape \(1, 1\); expected \[4, 1\]",
    ),
    "too many weights of a pair": (
        lambda: PairMatrix((1,), (1,))(torch.ones(4, 2), EdgeRotation(VECTORS, 0)),
        r"expected \[4, 1\]",
    ),
    "too many weights of an atom": (lambda: AtomMatrix((1,), (1,))(torch.ones(4, 2)), r"expected \[4, 1\]"),
    "one Gaussian": (lambda: GaussianBasis(1, 5.0), "num_functions=1, cutoff=5.0; choose at least 2 functions"),
    "a cutoff of zero": (lambda: GaussianBasis(3, 0.0), "a cutoff above 0"),
    "a column of distances": (lambda: GaussianBasis(3, 1.0)(torch.ones(4, 1)), r"distances have shape \(4, 1\)"),
    "negative objectness": (
        lambda: FunctionalAttention(2)(torch.ones(3, 2), EDGES, torch.tensor([0.5, -0.1, 1])),
        "below 0 or above 1",
    ),
    "objectness above one": (
        lambda: FunctionalAttention(2)(torch.ones(3, 2), EDGES, torch.tensor([0.5, 1.1, 1])),
        "below 0 or above 1",
    ),
    "a negative place": (
        lambda: SequenceConvolution(2)(torch.ones(3, 2), torch.tensor([0, -1, 1])),
        "counted from 0; got place -1",
    ),
    "a negative chain": (lambda: SequenceConvolution(2)(torch.ones(3, 2), NODES, torch.tensor([0, -1, 1])), "chain -1"),
    "a place taken twice": (
        lambda: SequenceConvolution(2)(torch.ones(3, 2), torch.tensor([0, 1, 1])),
        "two residues of one chain have the same place",
    ),
    "places in parts": (
        lambda: SequenceConvolution(2)(torch.ones(3, 2), torch.tensor([0.0, 0.5, 1.0])),
        "expected int64",
    ),
    "places of other residues": (
        lambda: SequenceConvolution(2)(torch.ones(3, 2), torch.tensor([0])),
        r"place has shape \(1,\)",
    ),
    "chains of other residues": (
        lambda: SequenceConvolution(2)(torch.ones(3, 2), torch.arange(3), NODES[:1]),
        r"batch has shape \(1,\)",
    ),
    "anchors from behind": (
        lambda: anchor_regions(EDGES, torch.tensor([-1]), num_nodes=3),
        "anchors names nodes -1 to -1",
    ),
    "anchors as a mask": (
        lambda: anchor_regions(EDGES, torch.tensor([True, False, True]), num_nodes=3),
        "anchors is torch.bool",
    ),
    "a negative reach": (lambda: anchor_regions(EDGES, num_nodes=3, hops=-1), "hops=-1"),
    "graphs of other sites": (lambda: objectness_targets(NODES, EDGES, batch=NODES[:1]), r"batch has shape \(1,\)"),
    "cones of no radius": (lambda: penumbral_similarity(VECTORS, VECTORS, radius=0.0), "radius=0.0 must be above 0"),
    "a graph from behind": (
        lambda: HistoryReadout(4)([torch.ones(3, 4)], torch.tensor([0, -1, 0])),
        "graph -1; graphs are counted from 0",
    ),
    "graphs in parts": (
        lambda: HistoryReadout(4)([torch.ones(3, 4)], torch.tensor([0.0, 0.5, 1])),
        "batch holds torch.float32",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_by_name(what):
    call, message = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_field_conditions_features_with_and_without_states():
    torch.manual_seed(0)
    layer, x, batch = FieldConditioning(2, 4, 5), torch.randn(3, 9, 4), torch.tensor([0, 1, 1])
    field = torch.randn(2, 5), direction_harmonics(torch.randn(2, 3), 2)
    found = layer(x, *field, batch)
    assert found.shape == (3, 9, 4)
    assert torch.equal(found, layer(x.unsqueeze(1), *field, batch)[:, 0])


@pytest.mark.parametrize("length", [1e-30, 1e-12, 1e-3, 0.49, 1.0, 1e9])
def test_a_direction_of_any_length_has_the_same_harmonics(length):
    direction = torch.tensor([[2.0, 1.0, -2.0]]) / 3
    expected = direction_harmonics(direction, 3)
    torch.testing.assert_close(direction_harmonics(length * direction, 3), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(expected.square().sum(), torch.tensor(16.0))
    frame = edge_frames(length * direction)[0]
    torch.testing.assert_close(frame @ direction[0], torch.tensor([0.0, 1, 0]), rtol=0, atol=1e-5)
    torch.testing.assert_close(frame @ frame.T, torch.eye(3), rtol=0, atol=1e-5)


def test_no_direction_leaves_degree_zero_and_keeps_nan():
    given = torch.tensor([[0.0, 0, 0], [torch.nan, 0, 0], [0, 0, 3]])
    found = direction_harmonics(given, 1)
    assert found[0].tolist() == [1, 0, 0, 0]
    assert found[1, 1:].isnan().all()
    torch.testing.assert_close(found[2], torch.tensor([1, 0, 0, 3**0.5]))


def test_edges_of_length_zero_carry_degree_zero_alone():
    """A self-loop and two atoms at one place, beside edges that have a direction."""
    rotation = EdgeRotation(torch.tensor([[0.0, 0, 0], [1, 2, 2]]), 2)
    expected = torch.zeros(9, 9)
    expected[0, 0] = 1
    assert torch.equal(rotation.matrix(2)[0], expected)
    assert torch.equal(edge_frames(torch.zeros(1, 3)), torch.zeros(1, 3, 3))
    torch.testing.assert_close(rotation.matrix(2)[1] @ rotation.matrix(2)[1].T, torch.eye(9))


def test_attention_with_edges_of_length_zero_is_equivariant():
    layer = attention().double()
    edges = torch.tensor([[0, 1, 2, 0, 1], [1, 0, 0, 2, 1]])
    scalars = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x, positions):
            vectors = positions[edges[1]] - positions[edges[0]]
            return self.layer(x, edges, EdgeRotation(vectors, 2), scalars.to(x))

    generator = torch.Generator().manual_seed(2)
    x, positions = torch.randn(3, 9, 2, generator=generator), torch.randn(3, 3, generator=generator)
    positions[2] = positions[0]  # the edges between them have no length
    assert_equivariant(Layer(), [x, positions], ["degrees", "position"], "degrees")
    positions.requires_grad_()
    Layer().float()(x, positions).square().sum().backward()
    assert positions.grad.isfinite().all()


def test_objectness_may_be_boolean():
    torch.manual_seed(0)
    layer, x = FunctionalAttention(4, heads=2), torch.randn(3, 4)
    proposed = torch.tensor([True, False, True])
    assert torch.equal(layer(x, EDGES, proposed), layer(x, EDGES, proposed.float()))


@pytest.mark.parametrize(("aggr", "width"), [("mean", 4), ("set2set", 8), ("multi", 8), ("sort", 12)])
def test_the_width_of_a_jumping_readout_is_that_of_its_aggregation(aggr, width):
    from torch_geometric.nn import aggr as pyg

    make = {
        "mean": pyg.MeanAggregation,
        "set2set": lambda: pyg.Set2Set(4, 2),
        "multi": lambda: pyg.MultiAggregation(["mean", "max"]),
        "sort": lambda: pyg.SortAggregation(3),
    }
    before = torch.get_rng_state()
    readout = JumpingReadout(4, 1, aggr=make["mean"]())
    assert torch.equal(torch.get_rng_state(), before)
    readout = JumpingReadout(4, 1, aggr=make[aggr]())
    assert readout.hidden_channels == width
    x, batch = torch.randn(5, 4), torch.tensor([0, 0, 2, 2, 2])
    out = readout([x], batch, batch_size=4)
    assert out.shape == (4, width)
    assert torch.equal(out[[1, 3]], torch.zeros(2, width))
    assert torch.equal(readout([x[:0]], batch[:0], batch_size=2), torch.zeros(2, width))
    assert JumpingReadout(4, 1, aggr=None).hidden_channels == 4


def test_a_network_takes_a_readout_of_another_width():
    x, edges = torch.randn(3, 5), EDGES
    for readout, options in (("multilayer", {"hidden_channels": 8}), ("set_transformer", {"num_seed_points": 2})):
        network = HistographGNN(5, 2, channels=16, num_layers=1, readout=readout, readout_options=options)
        assert network(x, edges).shape == (1, 2)
