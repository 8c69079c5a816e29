"""Training of ProteinRPN on a few real chains: it learns, stops, goes on, and keeps what it has computed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.proteins.data.batches import collate, epoch_batches
from graphlearn.proteins.prediction.logits import predict_logits
from graphlearn.proteins.recipe import Losses, Perturbation, ProteinRecipe
from graphlearn.proteins.task import ProteinTask, load_task
from graphlearn.proteins.training.initialise import start_model
from graphlearn.proteins.training.learning_figure import learning_curve
from graphlearn.proteins.training.objective import Objective, objectness_loss, positive_weights
from graphlearn.proteins.training.pretrain import proposal_aupr
from graphlearn.proteins.training.train import learning_rate, train_proteins
from graphlearn.training.checkpoint import load_model

SMALL = [
    "data.ontology=ec", "model={channels: 16, hidden: 8, heads: 2}", "sites.sources=[catalytic, binding]",
    "optimisation.epochs=2", "optimisation.batch_size=8", "optimisation.learning_rate=0.003",
]  # fmt: skip


def recipe(*overrides):
    return parse_recipe({"name": "test"}, ProteinRecipe, [*SMALL, *overrides])


@pytest.fixture(scope="module")
def whole(data_folder):
    return load_task(recipe(f"data.root={data_folder}/protein"))


@pytest.fixture(scope="module")
def task(whole):
    """24 chains to train on, of which some have sites, and 12 to validate with."""
    short = [c for c in whole.data.split["train"] if whole.data.lengths[c] < 150]
    taught = [c for c in short if c in set(whole.sites.train)][:6]
    chains = [*taught, *(c for c in short if c not in taught)][:24]
    data = whole.data.select([*chains, *whole.data.split["validation"][:12]])
    sites = whole.sites._replace(train=tuple(taught), validation=whole.sites.validation[:6])
    return ProteinTask(data, whole.site_data, sites, whole.parent_edges)


def test_the_parts_of_the_real_task_are_apart(whole, data_folder):
    from graphlearn.proteins.data.carried_tables import read_clusters

    clusters = read_clusters(data_folder / "protein" / "chains.tsv.gz")
    parts = [{clusters[c] for c in chains} for chains in whole.sites]
    assert all(parts)
    assert not (parts[0] & parts[1])
    assert not (parts[0] & parts[2])
    assert not (parts[1] & parts[2])
    judged = {clusters[c] for c in (*whole.data.split["validation"], *whole.data.split["test"])}
    assert not judged & (parts[0] | parts[1])
    child, parent = whole.parent_edges
    labels = torch.from_numpy(whole.labels("train"))
    assert bool((labels[:, parent] | ~labels[:, child]).all())


def test_objectness_targets_are_site_residues(whole):
    chain = whole.sites.train[0]
    mask = whole.data.sites[chain]
    assert 0 < mask.site.sum() < 40
    assert not (mask.site & ~mask.known).any()
    graph = whole.data.with_sites(whole.data.sites)
    assert set(graph.sites) == set(whole.sites.train)


def test_batches_hold_every_chain_once_and_alike_ones_together():
    lengths = np.random.default_rng(0).integers(60, 600, 1000).tolist()
    batches = epoch_batches(lengths, 32, seed=1, epoch=3)
    assert sorted(row for batch in batches for row in batch) == list(range(1000))
    assert batches == epoch_batches(lengths, 32, seed=1, epoch=3)
    assert batches != epoch_batches(lengths, 32, seed=1, epoch=4)
    spread = [max(lengths[r] for r in b) - min(lengths[r] for r in b) for b in batches]
    assert np.mean(spread) < 100


def test_stopped_and_continued_equals_uninterrupted(task, tmp_path):
    settings = recipe("losses.info_nce=0.05", "losses.both_views=true", "losses.true_path=0.1")
    whole_run = train_proteins(settings, task, tmp_path / "whole")
    steps = []
    with pytest.raises(StoppedError, match="step 4 of 6"):
        train_proteins(
            settings, task, tmp_path / "parts", on_step=lambda step, *_: steps.append(step),
            stop=lambda: len(steps) >= 3,
        )  # fmt: skip
    resumed = train_proteins(settings, task, tmp_path / "parts")
    assert resumed.losses == whole_run.losses
    assert resumed.validations == whole_run.validations
    for ours, theirs in zip(resumed.model.parameters(), whole_run.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(InputError, match="another recipe"):
        train_proteins(recipe("optimisation.seed=1"), task, tmp_path / "parts")


def test_the_written_model_is_the_trained_one(task, tmp_path):
    settings = recipe("optimisation.epochs=1")
    result = train_proteins(settings, task, tmp_path)
    model, facts = load_model(tmp_path)
    chains = task.data.select(task.data.split["validation"])
    assert np.array_equal(predict_logits(model, chains), predict_logits(result.model, chains))
    assert [t["id"] for t in facts["terms"]] == list(task.data.terms)
    assert facts["recipe"]["data"]["ontology"] == facts["ontology"] == "ec"
    assert "root" not in facts["recipe"]["data"]
    assert facts["sites"]["train"] == list(task.sites.train)
    assert json.loads((tmp_path / "model.json").read_text())["cutoff_angstrom"] == 10.0
    assert learning_curve(result, "fmax").axes[0].get_title() == "Terms"


def test_pre_training_finds_sites_and_is_kept(task, tmp_path):
    settings = recipe("pre_training.epochs=10", "pre_training.learning_rate=0.01")
    values = []
    start = start_model(settings, task, tmp_path, on_epoch=lambda _, value: values.append(value))
    assert len(values) == 10
    assert max(values) == values[start.pre_training.epoch - 1]
    assert start.pre_training.losses[-1] < 0.8 * start.pre_training.losses[0]
    assert proposal_aupr(start.model, task.site_data, task.sites.validation) == pytest.approx(max(values))
    again = start_model(settings, task, tmp_path, on_epoch=lambda *_: pytest.fail("trained again"))
    assert again.pre_training == start.pre_training
    for ours, theirs in zip(again.model.parameters(), start.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(StoppedError, match="epoch 1 of the pre-training"):
        start_model(settings, task, tmp_path / "other", stop=lambda: True)


def test_the_untrained_head_answers_with_frequencies(task, tmp_path):
    model = start_model(recipe(), task, tmp_path).model
    for name, weight in model.head[-1].named_parameters():
        if name == "weight":
            torch.nn.init.zeros_(weight)
    chains = task.data.select(task.data.split["validation"])
    shares = task.labels("train").mean(0).clip(1 / 48)
    found = 1 / (1 + np.exp(-predict_logits(model, chains)))
    np.testing.assert_allclose(found, np.tile(shares, (12, 1)), rtol=1e-4)


def test_parts_of_the_loss(task):
    settings, data = recipe(), task.data.select(task.data.split["train"])
    torch.manual_seed(0)
    model = settings.build_model(52, len(data.terms)).eval()
    batch = collate(data, range(12))

    def loss(**weights):
        off = {"supervised_contrastive": 0, "info_nce": 0, "objectness": 0, **weights}
        objective = Objective(
            Losses(**off), Perturbation(noise_angstrom=0, mask=0, drop_contacts=0), torch.ones(len(data.terms)),
            task.parent_edges, 10.0,
        )  # fmt: skip
        return objective(model, batch, torch.Generator().manual_seed(0))

    plain = loss()
    torch.testing.assert_close(loss(both_views=True), plain)
    output = model(batch)
    expected = plain + 0.5 * objectness_loss(output.proposal.objectness_logits, batch)
    torch.testing.assert_close(loss(objectness=0.5), expected)
    assert loss(info_nce=1.0) > plain
    assert loss(supervised_contrastive=1.0) > plain
    assert loss(true_path=1.0) > plain


def test_objectness_loss_weighs_positives_and_negatives_alike(task):
    batch = collate(task.data.select(task.sites.train[:1]), [0])
    logits = torch.zeros(batch.num_nodes)
    assert objectness_loss(logits, batch).item() == pytest.approx(np.log(2))
    assert objectness_loss(20.0 * batch.site - 10, batch).item() < 1e-3
    assert objectness_loss(torch.full_like(logits, 10.0), batch).item() == pytest.approx(5, abs=0.01)
    batch.site_known[:] = False
    assert objectness_loss(logits, batch).item() == 0


def test_positive_weights_by_hand():
    labels = torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]])
    expected = torch.tensor([3**0.5, 1.0, 3**0.5])
    torch.testing.assert_close(positive_weights(labels, Losses(balance=0.5)), expected)
    torch.testing.assert_close(positive_weights(labels, Losses(balance=0.0)), torch.ones(3))
    assert positive_weights(labels, Losses(balance=1.0, largest_balance=2.0)).max() == 2


def test_the_rate_rises_and_falls():
    options = recipe("optimisation.epochs=10", "optimisation.warmup_epochs=1").optimisation
    rates = [learning_rate(step, 5, options) for step in range(50)]
    assert rates[0] == pytest.approx(options.learning_rate / 5)
    assert max(rates) == rates[4] == rates[5] == options.learning_rate
    assert rates[-1] < 0.01 * options.learning_rate


def test_wrong_recipes(whole, data_folder):
    with pytest.raises(InputError, match="did you mean"):
        recipe("losses.infonce=1")
    with pytest.raises(InputError, match="model: "):
        recipe("model={chanels: 3}").build_model(52, 4)
    with pytest.raises(InputError, match=r"data\.options: "):
        load_task(recipe(f"data.root={data_folder}/protein", "data.options={shortes: 3}"))
