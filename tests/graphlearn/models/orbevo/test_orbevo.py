"""OrbEvo as a whole: symmetries before and after training, independence of the batch, capacity."""

from dataclasses import fields, replace

import pytest
import torch
from helpers import SMALL, mean_loss, rotate_batch
from scipy.spatial.transform import Rotation

from graphlearn.datasets import collate
from graphlearn.models import OrbEvo, OrbEvoScalar

ROTATION = torch.as_tensor(Rotation.from_euler("xyz", [0.3, 1.2, -2.0]).as_matrix())


def train_steps(model, batch, steps, lr=3e-3):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = mean_loss(model(batch), batch, torch.ones(len(batch.occupations)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    model.eval()
    return losses


def equivariance_error(model, batch):
    turned, orbitals = rotate_batch(batch, ROTATION)
    with torch.no_grad():
        expected, found = orbitals(model(batch)), model(turned)
    return float((expected - found).abs().max() / expected.abs().max())


@pytest.mark.parametrize("trained", [False, True], ids=["new", "trained"])
def test_output_turns_with_molecule_and_field(small_model, batch, trained):
    if trained:
        train_steps(small_model, batch, 5)
    single = equivariance_error(small_model, batch)
    double = equivariance_error(small_model.double(), batch.to(torch.float64))
    assert single < 2e-4
    assert double < 1e-12


def test_turning_the_molecule_alone_changes_the_output(small_model, batch):
    turned, orbitals = rotate_batch(batch, ROTATION)
    turned = replace(turned, field_direction=batch.field_direction)
    with torch.no_grad():
        assert (orbitals(small_model(batch)) - small_model(turned)).abs().max() > 1e-3


def test_reversing_direction_and_strength_is_the_same_field(small_model, batch):
    same = replace(batch, field_direction=-batch.field_direction, field_strength=-batch.field_strength)
    with torch.no_grad():
        assert (small_model(batch) - small_model(same)).abs().max() < 1e-5


def test_translation_changes_nothing(small_model, batch):
    moved = replace(batch, positions_angstrom=batch.positions_angstrom + torch.tensor([3.0, -1.0, 0.5]))
    with torch.no_grad():
        assert (small_model(batch) - small_model(moved)).abs().max() < 1e-5


def test_batch_equals_singles(small_model, orbital_trajectories, normalizer, fast_method):
    from graphlearn.datasets import OrbitalTrajectory
    from tdddft import GaussianPulses, ground_state, propagate

    methanal = propagate(ground_state("g2:H2CO", fast_method), GaussianPulses(), steps=200)
    windows = [
        (orbital_trajectories[0], 12),
        (OrbitalTrajectory.from_trajectory(methanal), 8),
        (orbital_trajectories[1], 3),
    ]
    together = collate(windows, normalizer, 8)
    assert together.occupations.shape[1] == 6
    with torch.no_grad():
        joined = small_model(together)
        for i, window in enumerate(windows):
            alone = small_model(collate([window], normalizer, 8))
            part = joined[together.batch == i][:, : alone.shape[1]]
            assert (part - alone).abs().max() < 2e-5


def test_order_of_states_and_of_atoms_does_not_matter(small_model, orbital_trajectories, normalizer):
    batch = collate([(orbital_trajectories[1], 16)], normalizer, 8)
    states, atoms = torch.tensor([2, 0, 3, 1]), torch.tensor([3, 1, 0, 2])
    place = torch.argsort(atoms)
    shuffled = replace(
        batch, numbers=batch.numbers[atoms], positions_angstrom=batch.positions_angstrom[atoms],
        edge_index=place[batch.edge_index], c0=batch.c0[atoms][:, states], delta=batch.delta[atoms][:, states],
        slot_mask=batch.slot_mask[atoms], occupations=batch.occupations[:, states],
    )  # fmt: skip
    with torch.no_grad():
        expected = small_model(batch)[atoms][:, states]
        assert (small_model(shuffled) - expected).abs().max() < 2e-5


def test_states_talk_only_through_the_density(orbital_trajectories, normalizer):
    torch.manual_seed(0)
    batch = collate([(orbital_trajectories[0], 16)], normalizer, 8)
    model = OrbEvo(**SMALL).eval()
    with torch.no_grad():
        full = model(batch)
        few = replace(batch, delta=torch.cat([batch.delta[:, :1], 2 * batch.delta[:, 1:]], dim=1))
        assert (model(few) - full)[:, 0].abs().max() > 1e-5


def test_two_forward_passes_are_equal_bit_for_bit(small_model, batch):
    with torch.no_grad():
        assert torch.equal(small_model(batch), small_model(batch))


def test_slots_without_an_orbital_stay_zero(small_model, batch):
    with torch.no_grad():
        out = small_model(batch)
    empty = batch.slot_mask[:, None, :, :, None, None] == 0
    assert out[empty.expand_as(out)].abs().max() == 0


def test_same_seed_same_loss(batch):
    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        runs.append(train_steps(OrbEvo(**{**SMALL, "alpha_dropout": 0.1, "path_dropout": 0.1}), batch, 3))
    assert runs[0] == runs[1]


def test_overfits_one_trajectory(orbital_trajectories, normalizer):
    torch.manual_seed(0)
    trajectory = orbital_trajectories[0]
    batch = collate([(trajectory, frame) for frame in range(8, 32, 3)], normalizer, 8)
    model = OrbEvo(**{**SMALL, "channels": 32, "density_lmax": 2, "num_radial": 16})
    losses = train_steps(model, batch, 250, lr=4e-3)
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize(
    ("variant", "changes", "count"),
    [("dm", {}, 27_977_184), ("wf", {}, 26_963_360), ("wf", {"pool_states": False}, 15_546_080)],
)
def test_parameter_counts_are_the_papers(variant, changes, count):
    assert sum(p.numel() for p in OrbEvo.published(variant, **changes).parameters()) == count


def test_pooled_states_turn_with_the_molecule_and_see_each_other(batch, orbital_trajectories, normalizer):
    torch.manual_seed(0)
    model = OrbEvo(**{**SMALL, "num_density_blocks": 0, "num_blocks": 3, "pool_states": True}).eval()
    assert list(model.pools) == ["0", "1"]
    assert equivariance_error(model.double(), batch.to(torch.float64)) < 1e-12
    model = model.float()
    alone = collate([(orbital_trajectories[0], 12)], normalizer, model.num_frames)
    history = alone.delta.clone()
    history[:, 0] *= 2.0
    with torch.no_grad():
        change = model(replace(alone, delta=history)) - model(alone)
        deaf = OrbEvo(**{**SMALL, "num_density_blocks": 0, "num_blocks": 3}).eval()
        silence = deaf(replace(alone, delta=history)) - deaf(alone)
    assert change[:, 1:].abs().max() > 1e-6
    assert silence[:, 1:].abs().max() == 0
    padded = collate([(t, 12) for t in orbital_trajectories], normalizer, model.num_frames)
    with torch.no_grad():
        together = model(padded)[padded.batch == 0]
    assert (together[:, : alone.delta.shape[1]] - model(alone)).abs().max() < 1e-5


def test_published_configuration_runs_and_is_nearly_equivariant(batch):
    torch.manual_seed(0)
    model = OrbEvo.published("dm", channels=16, num_radial=16, radial_hidden=16, unit_gain=True).eval()
    assert equivariance_error(model, batch) < 0.05


def test_gradients_reach_every_parameter(small_model, batch):
    small_model.train()
    mean_loss(small_model(batch), batch, torch.ones(2)).backward()
    without = [name for name, p in small_model.named_parameters() if p.grad is None]
    assert without == []


def test_repr_and_bad_arguments():
    assert repr(OrbEvo(**SMALL)) == "OrbEvo(channels=8, blocks=2, lmax=3->2, num_frames=8)"
    with pytest.raises(ValueError, match="2 <= lmax <= density_lmax"):
        OrbEvo(8, 2, lmax=3, density_lmax=2)
    with pytest.raises(ValueError, match=r"density_lmax is at most 4, the highest degree .* got 5"):
        OrbEvo(8, 2, density_lmax=5)
    assert OrbEvo(**{**SMALL, "density_lmax": 5, "num_density_blocks": 0}).top_lmax == 2
    with pytest.raises(ValueError, match="choose one of dm, wf"):
        OrbEvo.published("xx")
    with pytest.raises(ValueError, match="choose 'gate' or 's2'"):
        OrbEvo(8, 2, activation="relu")


def test_batch_moves_all_floating_tensors(batch):
    double = batch.to(torch.float64)
    for field in fields(double):
        value = getattr(double, field.name)
        assert not isinstance(value, torch.Tensor) or value.dtype in (torch.float64, torch.int64), field.name


@pytest.fixture
def linear_model():
    torch.manual_seed(0)
    return OrbEvo(**SMALL, linear_response=True).eval()


def test_linear_response_scales_superposes_and_rests(linear_model, batch):
    model, batch = linear_model.double(), batch.to(torch.float64)
    other = replace(batch, delta=batch.delta.flip(-2), field_strength=batch.field_strength.flip(-1))
    both = replace(
        batch, delta=batch.delta + 3 * other.delta, field_strength=batch.field_strength + 3 * other.field_strength
    )
    with torch.no_grad():
        expected = model(batch) + 3 * model(other)
        assert (model(both) - expected).abs().max() < 1e-10 * expected.abs().max()
        still = replace(batch, delta=0 * batch.delta, field_strength=0 * batch.field_strength)
        assert model(still).abs().max() == 0.0
        assert expected.abs().max() > 1e-3


def test_linear_response_is_the_limit_of_the_network(batch):
    batch = batch.to(torch.float64)
    linear_model, network = (OrbEvo(**{**SMALL, "density_lmax": 2}, linear_response=linear).eval() for linear in (1, 0))
    network.load_state_dict(linear_model.state_dict())
    network.double()
    step = 1e-5

    def at(sign):
        return network(
            replace(batch, delta=sign * step * batch.delta, field_strength=sign * step * batch.field_strength)
        )

    with torch.no_grad():
        difference = (at(1) - at(-1)) / (2 * step)
        found = linear_model.double()(batch)
    assert (found - difference).abs().max() < 1e-6 * found.abs().max()


def test_linear_response_turns_with_molecule_and_field_and_has_gradients(linear_model, batch):
    assert equivariance_error(linear_model, batch) < 5e-4
    loss = mean_loss(linear_model(batch), batch, torch.ones(2))
    loss.backward()
    idle = [name for name, p in linear_model.named_parameters() if p.grad is None or not float(p.grad.abs().max())]
    assert idle == ["head.project.bias"]  # a constant, of which the linear part of the response holds nothing


def test_linear_response_superposes_field_directions(linear_model, batch):
    model, batch = linear_model.double(), batch.to(torch.float64)
    batch = replace(batch, delta=0 * batch.delta)
    axes = torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        whole = model(batch)
        parts = [
            model(
                replace(
                    batch,
                    field_direction=axis.expand(2, 3),
                    field_strength=batch.field_strength * (batch.field_direction @ axis)[:, None],
                )
            )
            for axis in axes
        ]
    assert (sum(parts) - whole).abs().max() < 1e-6 * whole.abs().max()  # directions were float32


def test_history_holds_every_layer(small_model, batch):
    with torch.no_grad():
        layers = small_model.history(batch)
    assert [x.shape for x in layers] == [(len(batch.numbers), small_model.channels)] * (1 + len(small_model.blocks))
    assert len({float(x.abs().sum()) for x in layers}) == len(layers)


def test_a_scalar_from_the_history_is_invariant_and_learns(small_model, batch):
    torch.manual_seed(0)
    model = OrbEvoScalar(small_model).eval()
    turned, _ = rotate_batch(batch, ROTATION)
    order = torch.randperm(batch.c0.shape[1], generator=torch.Generator().manual_seed(1))
    same = replace(batch, c0=batch.c0[:, order], delta=batch.delta[:, order], occupations=batch.occupations[:, order])
    with torch.no_grad():
        value = model(batch)
        assert value.shape == (2, 1)
        assert torch.allclose(model(turned), value, atol=1e-3 * float(value.abs().max()))
        assert torch.allclose(model(same), value, atol=1e-5)
    target = torch.tensor([[0.73], [0.58]])  # dipoles of water and ammonia, atomic units
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(30):
        loss = (model(batch) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.05
    assert all(p.grad is not None for p in model.readout.parameters())
