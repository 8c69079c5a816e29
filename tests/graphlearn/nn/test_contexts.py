"""Layers in the contexts that torch offers: inference mode, fake tensors, the device meta, compilers, half precision.

Degrees and shells here occur in no other test, so that every table is made in the context under test.
"""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from graphlearn.models import HistographGNN, ProteinRPN, ResponseOrbEvo
from graphlearn.models.histograph import READOUTS
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
    GroupedMeanReadout,
    HierarchicalNodeDrop,
    HistoryReadout,
    JumpingReadout,
    MultilayerReadout,
    PairMatrix,
    RegionProposal,
    SeparableS2Activation,
    SequenceConvolution,
    SO2Attention,
    SO2Linear,
    direction_harmonics,
    true_path_loss,
)

EDGES = torch.tensor([[0, 1, 2, 0], [1, 0, 0, 2]])
SMALL = {"heads": 2, "hidden_channels": 2, "alpha_channels": 2, "value_channels": 2, "radial_hidden": 4}


class Network(nn.Module):
    """Edge frames, attention and norm from positions."""

    def __init__(self, lmax, **options):
        super().__init__()
        self.lmax = lmax
        self.basis = GaussianBasis(4, 5.0)
        self.attention = SO2Attention(lmax, 2, 3, edge_scalars=4, **SMALL, **options)
        self.norm = EquivariantRMSNorm(lmax, 3)

    def forward(self, x, positions, edges):
        source, target = edges
        vectors = positions.index_select(0, target) - positions.index_select(0, source)
        scalars = self.basis(vectors.norm(dim=-1))
        return self.norm(self.attention(x, edges, EdgeRotation(vectors, self.lmax), scalars))


def inputs(lmax, edges=EDGES):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, (lmax + 1) ** 2, 2, generator=generator)
    return x, torch.randn(3, 3, generator=generator), edges


def test_a_first_call_in_inference_mode_does_not_break_training():
    encoder, c0, delta = DensityEncoder((1, 1), 1, 2, lmax=2), torch.randn(2, 1, 4, 1), torch.randn(2, 1, 4, 1, 1, 2)
    network, given = Network(7), inputs(7)
    with torch.inference_mode():
        network(*given)
        encoder(c0, delta, torch.ones(2, 1), EDGES[:, :1])
        AtomMatrix((0, 3), (0, 3))(torch.ones(1, 9))
    network(*given).sum().backward()
    encoder(c0, delta, torch.ones(2, 1), EDGES[:, :1]).sum().backward()
    weights = torch.ones(1, 9, requires_grad=True)
    AtomMatrix((0, 3), (0, 3))(weights).sum().backward()
    assert all(p.grad is not None for p in [*network.parameters(), *encoder.parameters(), weights])


def test_a_rotation_first_used_without_gradients_still_gives_them():
    vectors = torch.randn(4, 3, requires_grad=True)
    rotation = EdgeRotation(vectors, 2)
    with torch.no_grad():
        rotation.matrix(2)
    rotation.matrix(2)[:, 1].sum().backward()
    assert vectors.grad.abs().sum() > 0
    rotation = EdgeRotation(torch.randn(4, 3), 2)
    with torch.inference_mode():
        rotation.matrix(2)
    weight = torch.randn(4, 1, 9, 1, requires_grad=True)
    rotation.into_edge(weight, 2).square().sum().backward()
    assert weight.grad.isfinite().all()


def test_fake_tensors_leave_nothing_behind():
    with FakeTensorMode():
        out = Network(8)(torch.randn(3, 81, 2), torch.randn(3, 3), torch.zeros(2, 4, dtype=torch.long))
        SeparableS2Activation(5, 2)
    assert out.shape == (3, 81, 3)
    out = Network(8)(*inputs(8))
    assert type(out) is torch.Tensor
    assert out.isfinite().all()
    assert SeparableS2Activation(5, 2)(torch.randn(1, 36, 2), torch.randn(1, 2)).isfinite().all()


def test_a_default_device_of_the_first_call_is_not_kept():
    with torch.device("meta"):
        EdgeRotation(torch.empty(2, 3), 11)
    assert EdgeRotation(torch.randn(2, 3), 11).degree(11).isfinite().all()


def xs(channels=16):
    return [torch.randn(5, channels, generator=torch.Generator().manual_seed(i)) for i in range(3)]


BATCH = torch.tensor([0, 0, 1, 1, 1])
DEGREES = torch.randn(4, 9, 2, generator=torch.Generator().manual_seed(3))
POINTS = torch.randn(5, 3, generator=torch.Generator().manual_seed(4))
LAYERS = {
    "DegreeLinear": (lambda: DegreeLinear(2, 2, 3), lambda m: m(DEGREES)),
    "DensityEncoder": (
        lambda: DensityEncoder((2, 1), 1, 2, lmax=2),
        lambda m: m(DEGREES[:, None, :4], DEGREES[:, None, :4, :, None, None].repeat(1, 1, 1, 1, 1, 2),
                    torch.ones(4, 1), EDGES),
    ),
    "EquivariantRMSNorm": (lambda: EquivariantRMSNorm(2, 2), lambda m: m(DEGREES)),
    "FieldConditioning": (
        lambda: FieldConditioning(2, 2, 3),
        lambda m: m(DEGREES, torch.ones(2, 3), direction_harmonics(POINTS[:2], 2), torch.tensor([0, 0, 1, 1])),
    ),
    "GateActivation": (lambda: GateActivation(2, 2), lambda m: m(DEGREES, torch.ones(4, 4))),
    "SeparableS2Activation": (lambda: SeparableS2Activation(2, 2), lambda m: m(DEGREES, torch.ones(4, 2))),
    "GaussianBasis": (lambda: GaussianBasis(5, 3.0), lambda m: m(torch.linspace(0, 3, 7))),
    "SO2Linear": (
        lambda: SO2Linear(2, 2, 3), lambda m: m(DEGREES[:, None], torch.ones(4, 1, m.num_weights))[0]
    ),
    "SO2Attention": (lambda: Network(2), lambda m: m(*inputs(2))),
    "SO2Attention s2": (lambda: Network(2, activation="s2"), lambda m: m(*inputs(2))),
    "PairMatrix": (
        lambda: PairMatrix((1, 1), (1, 1)), lambda m: m(torch.ones(5, m.num_weights), EdgeRotation(POINTS, 1))
    ),
    "ResponseKernel": (
        lambda: ResponseOrbEvo(8, 2).kernel,
        lambda m: m(torch.ones(5, 8), torch.ones(4, 32), torch.ones(4), EDGES, EdgeRotation(POINTS[:4], 4))[2],
    ),
    "GroupedMeanReadout": (lambda: GroupedMeanReadout(16), lambda m: m(xs(), BATCH)),
    "HistoryReadout": (lambda: HistoryReadout(16, mix=0.3, learn_mix=True), lambda m: m(xs(), BATCH)),
    "MultilayerReadout": (lambda: MultilayerReadout(16), lambda m: m(xs(), BATCH)),
    "JumpingReadout": (lambda: JumpingReadout(16, 3, jk="lstm"), lambda m: m(xs(), BATCH)),
    "FunctionalAttention": (lambda: FunctionalAttention(16), lambda m: m(xs()[0], EDGES, torch.full((5,), 0.5))),
    "RegionProposal": (lambda: RegionProposal(16, 4), lambda m: m(xs()[0], EDGES).features),
    "HierarchicalNodeDrop": (
        lambda: HierarchicalNodeDrop(16), lambda m: m(xs()[0], EDGES, POINTS, torch.ones(5), batch=BATCH).x
    ),
    "SequenceConvolution": (
        lambda: SequenceConvolution(16), lambda m: m(xs()[0], torch.tensor([0, 1, 0, 1, 2]), BATCH)
    ),
    **{
        f"HistographGNN {name}": (
            lambda name=name: HistographGNN(16, 2, channels=16, num_layers=2, readout=name),
            lambda m: m(xs()[0], EDGES, BATCH),
        )
        for name in READOUTS
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_made_on_the_device_meta_predicts_what_its_weights_say(name):
    make, call = LAYERS[name]
    real = make().eval()
    expected, weights = call(real), real.state_dict()
    with torch.device("meta"):
        made = make().eval()
    assigned = copy.deepcopy(made)
    made.to_empty(device="cpu").load_state_dict(weights)
    torch.testing.assert_close(call(made), expected, rtol=0, atol=0)
    assigned.load_state_dict(weights, assign=True)
    torch.testing.assert_close(call(assigned), expected, rtol=0, atol=0)
    emptied = copy.deepcopy(real).to("meta").to_empty(device="cpu")
    emptied.load_state_dict(weights)
    torch.testing.assert_close(call(emptied), expected, rtol=0, atol=0)


NOT_RESET = {"GateActivation", "SeparableS2Activation", "GaussianBasis", "PairMatrix"}  # they have no weights
NOT_RESET |= {"ResponseKernel", *(name for name in LAYERS if name.startswith("HistographGNN"))}  # networks


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in NOT_RESET])
def test_reset_parameters_gives_every_weight_a_value_of_its_own(name):
    module = LAYERS[name][0]()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(7.25)
    for layer in [module.attention, module.norm] if isinstance(module, Network) else [module]:
        layer.reset_parameters()
    left = [name for name, parameter in module.named_parameters() if bool((parameter == 7.25).any())]
    assert left == []


def test_proteins_on_the_device_meta():
    with torch.device("meta"):
        model = ProteinRPN(52, 3, channels=16, hidden=8)
    assert all(p.is_meta for p in model.parameters())


def test_constants_are_not_part_of_the_weights():
    for make, _ in LAYERS.values():
        module = make()
        constants = {name for name, _ in module.named_buffers()} - set(module.state_dict())
        parameters = {name for name, _ in module.named_parameters()}
        assert set(module.state_dict()) - parameters == {n for n, _ in module.named_buffers()} - constants


def test_constants_are_not_rounded_on_the_way_through_half_precision():
    basis, there = GaussianBasis(7, 1.0), torch.linspace(0, 1, 11)
    assert torch.equal(copy.deepcopy(basis).half().float()(there), basis(there))
    encoder = DensityEncoder((2, 1), 1, 2, lmax=2)
    weights = encoder.state_dict()
    rounded = encoder.half().double()
    rounded.load_state_dict(weights)
    c0, delta = torch.randn(2, 1, 4, 2, dtype=torch.float64), torch.randn(2, 1, 4, 2, 1, 2, dtype=torch.float64)
    given = c0, delta, torch.ones(2, 1, dtype=torch.float64), EDGES[:, :1]
    fresh = DensityEncoder((2, 1), 1, 2, lmax=2).double()
    fresh.load_state_dict(weights)
    assert torch.equal(rounded.couple(*given), fresh.couple(*given))


def test_attention_and_frames_compile_without_a_graph_break():
    torch._dynamo.reset()
    network, given = Network(3), inputs(3)
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*given), network(*given))
    compiled(*given).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_the_density_compiles_without_a_graph_break():
    torch._dynamo.reset()
    make, call = LAYERS["DensityEncoder"]
    layer = make()
    torch.testing.assert_close(call(torch.compile(layer, fullgraph=True, backend="eager")), call(layer))


def test_attention_and_frames_are_exported_for_any_number_of_edges():
    network = Network(3).eval()
    edges = torch.export.Dim("edges", min=2)
    program = torch.export.export(
        network, inputs(3), dynamic_shapes={"x": None, "positions": None, "edges": {1: edges}}
    )
    more = inputs(3, torch.tensor([[0, 1, 2, 0, 1, 2], [1, 0, 0, 2, 2, 1]]))
    torch.testing.assert_close(program.module()(*more), network(*more))


def test_the_equivariant_norm_of_large_numbers_in_half_precision():
    """The squares of 1,000 are above 65,504, the largest number of float16."""
    x = 1000 * torch.randn(4, 9, 8, generator=torch.Generator().manual_seed(0))
    norm = EquivariantRMSNorm(2, 8)
    expected = norm(x)
    assert expected.square().mean().sqrt() > 0.5
    for dtype in (torch.float16, torch.bfloat16):
        found = copy.deepcopy(norm).to(dtype)(x.to(dtype))
        assert found.dtype == dtype
        torch.testing.assert_close(found.float(), expected, rtol=0.03, atol=0.03)
    tiny = norm.half()(x.half() / 3000)
    torch.testing.assert_close(tiny.float(), expected, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("weights", ["signed", "softmax"])
def test_layer_attention_of_large_numbers_in_half_precision(weights):
    """Products of activations of 300 are above the largest number of float16, their weights are not."""
    torch.manual_seed(0)
    readout = HistoryReadout(16, weights=weights)
    with torch.no_grad():
        readout.layers.key.weight.mul_(0.05)
    history = [(300 * (1 + x.abs())).half() for x in xs()]
    expected, wanted = readout([x.float() for x in history], BATCH, return_attention=True)
    found, shares = readout.half()(history, BATCH, return_attention=True)
    assert found.isfinite().all()
    torch.testing.assert_close(shares.layers.float(), wanted.layers, rtol=0.05, atol=0.05)
    torch.testing.assert_close(shares.nodes.sum(), torch.tensor(2.0), rtol=1e-2, atol=0)
    torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=0.1)


def test_the_true_path_loss_of_many_relations_in_half_precision():
    logits = torch.tensor([[0.0, 2.0]]).repeat(1000, 1)
    relations = torch.tensor([[1], [0]]).repeat(1, 400)
    loss = true_path_loss(logits.half(), relations)
    assert loss.dtype == torch.float16
    torch.testing.assert_close(loss.float(), true_path_loss(logits, relations), rtol=1e-3, atol=0)
