"""Trainings of proteins: SIGTERM, one at a time in a folder, damaged files of an earlier run."""

from __future__ import annotations

import fcntl

import numpy as np
import pytest
import torch
import yaml

from graphlearn.base.errors import ContractError, InputError, StoppedError
from graphlearn.models import ProteinRPN
from graphlearn.proteins.data.site_split import SiteSplit
from graphlearn.proteins.data.sites import SiteMask
from graphlearn.proteins.recipe import PreTraining
from graphlearn.proteins.system import SYSTEM
from graphlearn.proteins.training.pretrain import pretrain_proposal
from graphlearn.proteins.training.train import train_proteins
from graphlearn.training.compare import Run, compare
from graphlearn.training.run_folder import BEST


def test_sigterm_ends_a_training_with_75_and_it_goes_on_to_the_same_weights(
    own_recipe, own_task, trained_folder, tmp_path, terminated
):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own_recipe.model_dump(mode="json")))
    assert terminated("training", "train", tmp_path / "own.yaml", "--out", tmp_path / "model") == 75
    assert (tmp_path / "model/training_state.safetensors").is_file()
    assert not (tmp_path / "model/model.json").exists()
    train_proteins(own_recipe, own_task, tmp_path / "model")
    one, other = (folder / "model.safetensors" for folder in (trained_folder, tmp_path / "model"))
    assert one.read_bytes() == other.read_bytes()


def test_a_pre_training_ends_within_an_epoch(own_task):
    torch.manual_seed(0)
    chains = own_task.data.split["train"]
    known = {c: np.ones(own_task.data.store.lengths[own_task.data.store.index[c]], dtype=bool) for c in chains}
    sites = own_task.data.with_sites({c: SiteMask(k, k) for c, k in known.items()})
    model = ProteinRPN(sites[0].features.size(1), 2, channels=16, hidden=8, heads=2)
    asked = []
    with pytest.raises(StoppedError, match="stopped in epoch 1 of the pre-training, which starts anew"):
        pretrain_proposal(
            model, sites, SiteSplit(chains, chains, ()), PreTraining(epochs=3, batch_size=2), 0,
            stop=lambda: asked.append(1) or len(asked) == 2,
        )  # fmt: skip
    assert len(asked) == 2


def test_a_second_training_and_a_second_comparison_are_refused(own_recipe, own_task, tmp_path):
    with (tmp_path / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another training is at work in"):
            train_proteins(own_recipe, own_task, tmp_path)
        with pytest.raises(InputError, match="another training is at work in"):
            compare(SYSTEM.comparison(own_recipe, None, (), "cpu"), tmp_path)


def test_damaged_best_weights_say_what_to_do(own_recipe, own_task, tmp_path):
    train_proteins(own_recipe, own_task, tmp_path)
    (tmp_path / BEST).write_bytes(b"half")
    with pytest.raises(ContractError, match=rf"{BEST}: damaged .*; remove it and run the same command again"):
        train_proteins(own_recipe, own_task, tmp_path)
    (tmp_path / BEST).unlink()
    result = train_proteins(own_recipe, own_task, tmp_path)
    assert [step for step, _ in result.validations] == [24]


def test_the_folder_of_a_variant_stays_inside(tmp_path):
    for variant in ("../up", "a/b", "/abs", "x" * 300):
        folder = Run(variant).folder(tmp_path)
        assert folder.parent == tmp_path
        assert len(folder.name) < 130
