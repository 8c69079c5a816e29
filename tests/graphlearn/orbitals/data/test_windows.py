import h5py
import pytest
import torch

from graphlearn.base.errors import ContractError
from graphlearn.datasets import Normalizer, TDDFTTrajectories, TDDFTWindows, collate
from tdddft.trajectory import read_frames, read_trajectory, write_trajectory


@pytest.fixture
def data(tmp_path, water_trajectory, ammonia_trajectory):
    files = {t.name: write_trajectory(tmp_path / f"{t.name}.h5", t) for t in (water_trajectory, ammonia_trajectory)}
    return TDDFTTrajectories(files)


def same(a, b):
    for name in ("numbers", "edge_index", "batch", "c0", "delta", "target", "occupations", "field_strength"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name
    assert torch.equal(a.field_direction, b.field_direction)


@pytest.mark.parametrize("num_frames", [1, 8])
def test_every_window_equals_that_of_the_whole_trajectory(data, num_frames):
    windows, normalizer = TDDFTWindows(data, num_frames), Normalizer.fit(data)
    assert len(windows) == 2 * (41 - num_frames)
    for index in (0, 3, 40 - num_frames, 41 - num_frames, len(windows) - 1, -1):
        part, frame = windows[index]
        which, at = divmod(index % len(windows), 41 - num_frames)
        assert (part.name, frame) == (data.names[which], at)
        same(collate([(part, frame)], normalizer, num_frames), collate([(data[which], at)], normalizer, num_frames))


def test_only_the_frames_of_the_window_are_held(data):
    part, frame = TDDFTWindows(data, 4, history=12).window(1, 20)
    assert (part.first_frame, part.delta.shape[-2], part.num_frames, frame) == (9, 16, 41, 20)
    with pytest.raises(ValueError, match="beyond the window"):
        collate([(part, frame)], Normalizer(1.0, 1.0), 16)


def test_workers_of_a_loader_read_the_same_batches(data):
    windows, normalizer = TDDFTWindows(data, 8), Normalizer.fit(data)
    alone = list(windows.loader(normalizer, batch_size=16, seed=3))
    with_workers = list(windows.loader(normalizer, batch_size=16, seed=3, num_workers=2))
    assert len(alone) == len(with_workers) == 5
    for a, b in zip(alone, with_workers, strict=True):
        same(a, b)


def test_heads_beyond_the_limit_are_forgotten(data):
    windows = TDDFTWindows(data, 8, heads=1)
    first = windows[0][0]
    second = windows[len(windows) - 1][0]
    assert second.name != first.name
    assert torch.equal(windows[0][0].delta, first.delta)


def test_indices_out_of_range_and_damaged_files_are_named(data, tmp_path):
    windows = TDDFTWindows(data, 8)
    with pytest.raises(IndexError, match="window 66 of 66"):
        windows[66]
    path = data.path(0)
    with pytest.raises(ContractError, match="holds 41 frames, not 40 to 50"):
        read_frames(path, 40, 50)
    assert (read_frames(path, 3, 5) == read_trajectory(path).frame_coefficients[3:5]).all()
    with h5py.File(str(path), "r+") as file:
        del file["frames/coefficients"]
    with pytest.raises(ContractError, match="damaged or incomplete"):
        windows[0]
