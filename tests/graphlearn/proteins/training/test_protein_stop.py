"""Trainings of proteins: SIGTERM, one at a time in a folder, names of folders."""

from __future__ import annotations

import fcntl

import pytest
import yaml

from graphlearn.base.errors import InputError
from graphlearn.proteins.system import SYSTEM
from graphlearn.training.compare import Run, compare


def test_sigterm_ends_a_training_with_75_and_it_goes_on_to_the_same_weights(
    own_recipe, own_data, trained_folder, train, tmp_path, terminated
):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own_recipe.model_dump(mode="json")))
    assert terminated("training", "train", tmp_path / "own.yaml", "--out", tmp_path / "model") == 75
    assert (tmp_path / "model/training_state.safetensors").is_file()
    assert not (tmp_path / "model/model.json").exists()
    train(own_recipe, own_data, tmp_path / "model")
    one, other = (folder / "model.safetensors" for folder in (trained_folder, tmp_path / "model"))
    assert one.read_bytes() == other.read_bytes()


def test_a_second_training_and_a_second_comparison_are_refused(own_recipe, own_data, train, tmp_path):
    with (tmp_path / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another training is at work in"):
            train(own_recipe, own_data, tmp_path)
        with pytest.raises(InputError, match="another training is at work in"):
            compare(SYSTEM.comparison(own_recipe, None, (), "cpu"), tmp_path)


def test_the_folder_of_a_variant_stays_inside(tmp_path):
    for variant in ("../up", "a/b", "/abs", "x" * 300):
        folder = Run(variant).folder(tmp_path)
        assert folder.parent == tmp_path
        assert len(folder.name) < 130
