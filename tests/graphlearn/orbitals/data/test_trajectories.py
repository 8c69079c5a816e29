from dataclasses import replace

import numpy as np
import pytest
import torch

from graphlearn.datasets import Normalizer, OrbitalTrajectory, TDDFTTrajectories, collate
from graphlearn.orbitals.data.batch import field_window
from graphlearn.orbitals.data.target import to_delta
from graphlearn.radius_graph import radius_graph
from tdddft import InputError, Kick, propagate
from tdddft.trajectory import write_trajectory


@pytest.fixture
def files(tmp_path, water_trajectory, ammonia_trajectory):
    return {t.name: write_trajectory(tmp_path / f"{t.name}.h5", t) for t in (water_trajectory, ammonia_trajectory)}


def test_reading_converting_and_converting_back(files, water_trajectory):
    data = TDDFTTrajectories(files)
    assert data.names == ["H2O", "NH3"]
    item = data[0]
    assert item.delta.shape == (3, 4, 9, 2, 41, 2)
    back = item.layout.delta_from_slots(item.delta)
    assert np.abs(back - to_delta(water_trajectory)).max() < 1e-5
    assert data[0] is data[0]


def test_cache_forgets_the_oldest(files):
    data = TDDFTTrajectories(files, cache=1)
    first = data[0]
    assert data[1].name == "NH3"
    assert data[0] is not first
    assert torch.equal(data[0].delta, first.delta)


def test_missing_ids_and_folders_are_named(files, tmp_path):
    with pytest.raises(InputError, match="no finished trajectory CO2"):
        TDDFTTrajectories(files, select=["CO2"])
    with pytest.raises(InputError, match="not a data-set folder"):
        TDDFTTrajectories(tmp_path / "nowhere")


def test_delta_kicks_are_refused(water):
    kicked = propagate(water, Kick(1e-3), steps=20)
    with pytest.raises(InputError, match="delta kick"):
        OrbitalTrajectory.from_trajectory(kicked)


def test_runs_that_lose_electrons_are_refused(water_trajectory):
    provenance = water_trajectory.provenance.model_copy(update={"absorber": {"start_angstrom": 4.0}})
    with pytest.raises(InputError, match="electrons were absorbed"):
        OrbitalTrajectory.from_trajectory(water_trajectory.replace(provenance=provenance))


def test_windows_are_padded_with_the_ground_state(orbital_trajectories, normalizer):
    trajectory = orbital_trajectories[0]
    batch = collate([(trajectory, 3)], normalizer, 8)
    assert batch.delta[..., :4, :].abs().max() == 0  # frames -4 .. -1
    assert torch.allclose(batch.delta[..., 4:, :] * normalizer.delta_rms, trajectory.delta[..., 0:4, :])
    assert torch.allclose(batch.target * normalizer.delta_rms, trajectory.delta[..., 4:12, :])
    assert collate([(trajectory, 36)], normalizer, 8).target is None


def test_field_window_is_centred_on_the_last_frame_of_history(orbital_trajectories):
    trajectory = orbital_trajectories[0]
    assert torch.equal(field_window(trajectory, 20, 8, 8), trajectory.field_strength[120:280])
    early, late = field_window(trajectory, 2, 8, 8), field_window(trajectory, 40, 8, 8)
    assert early.shape == late.shape == (160,)
    assert early[:60].abs().max() == 0
    assert torch.equal(early[60:], trajectory.field_strength[:100])
    assert torch.equal(late[:81], trajectory.field_strength[320:])
    assert late[81:].abs().max() == 0


def test_normalizer_gives_unit_root_mean_square(files):
    data = TDDFTTrajectories(files)
    fitted = Normalizer.fit(data)
    total = count = 0.0
    for i in range(2):
        values = data[i].delta[..., 1:, :] / fitted.delta_rms
        total += float(values.square().sum())
        count += float(data[i].slot_mask.sum()) * 4 * 40
    assert np.isclose(total / count, 1.0, rtol=1e-5)
    assert np.isclose(fitted.field_v_per_angstrom, 0.02, rtol=1e-4)


def test_unequal_frames_are_refused(water_trajectory):
    times = water_trajectory.times_fs.copy()
    times[-1] += 0.01
    with pytest.raises(InputError, match="equally spaced"):
        OrbitalTrajectory.from_trajectory(replace(water_trajectory, times_fs=times))


def test_radius_graph_equals_brute_force():
    random = np.random.default_rng(0)
    points = random.normal(size=(30, 3)) * 2
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    expected = {(i, j) for i in range(30) for j in range(30) if i != j and distances[i, j] < 2.5}
    edges = radius_graph(points, 2.5)
    assert {tuple(e) for e in edges.T.tolist()} == expected
    assert radius_graph(points[:1], 2.5).shape == (2, 0)
