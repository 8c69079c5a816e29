"""Training of ProteinRPN on a few real chains: it learns, stops, goes on, and keeps what it has computed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.recipes.reading import parse_recipe
from graphlearn.proteins.data.batches import collate, epoch_batches
from graphlearn.proteins.data.training_data import ProteinTrainingData, load_training_data
from graphlearn.proteins.prediction.decision import predict_logits
from graphlearn.proteins.recipe import Losses, Perturbation, ProteinRecipe
from graphlearn.proteins.training.objective import Objective, objectness_loss, positive_weights
from graphlearn.proteins.training.pretrain import ProposalTask
from graphlearn.proteins.training.task import ProteinTask, initial_model
from graphlearn.training.checkpoint import load_model
from graphlearn.training.randomness import Share

SMALL = [
    "data.ontology=ec", "model={channels: 16, hidden: 8, heads: 2}", "sites.sources=[catalytic, binding]",
    "optimisation.epochs=2", "optimisation.batch_size=8", "optimisation.learning_rate=0.003",
]  # fmt: skip


def recipe(*overrides):
    return parse_recipe({"name": "test"}, ProteinRecipe, [*SMALL, *overrides])


@pytest.fixture(scope="module")
def whole(data_folder):
    return load_training_data(recipe(f"data.root={data_folder}/protein"))


@pytest.fixture(scope="module")
def chains_and_sites(whole):
    """24 chains to train on, of which some have sites, and 12 to validate with."""
    short = [c for c in whole.data.split["train"] if whole.data.lengths[c] < 150]
    taught = [c for c in short if c in set(whole.sites.train)][:6]
    chains = [*taught, *(c for c in short if c not in taught)][:24]
    data = whole.data.select([*chains, *whole.data.split["validation"][:12]])
    sites = whole.sites._replace(train=tuple(taught), validation=whole.sites.validation[:6])
    return ProteinTrainingData(data, whole.site_data, sites, whole.parent_edges)


def test_the_parts_of_the_real_task_are_apart(whole, data_folder):
    from graphlearn.proteins.data.rebuilt_labels import read_clusters

    clusters = read_clusters(data_folder / "protein" / "chains.tsv.gz")
    parts = [{clusters[c] for c in chains} for chains in whole.sites]
    assert all(parts)
    assert not (parts[0] & parts[1])
    assert not (parts[0] & parts[2])
    assert not (parts[1] & parts[2])
    held_out = {clusters[c] for c in (*whole.data.split["validation"], *whole.data.split["test"])}
    assert not held_out & (parts[0] | parts[1])
    child, parent = whole.parent_edges
    labels = torch.from_numpy(whole.labels("train"))
    assert bool((labels[:, parent] | ~labels[:, child]).all())


def test_objectness_targets_are_site_residues(whole):
    chain = whole.sites.train[0]
    mask = whole.data.options.sites[chain]
    assert 0 < mask.site.sum() < 40
    assert not (mask.site & ~mask.known).any()
    graph = whole.data.with_sites(whole.data.options.sites)
    assert set(graph.options.sites) == set(whole.sites.train)


def test_batches_hold_every_chain_once_and_alike_ones_together():
    lengths = np.random.default_rng(0).integers(60, 600, 1000).tolist()
    batches = epoch_batches(lengths, 32, seed=1, epoch=3)
    assert sorted(row for batch in batches for row in batch) == list(range(1000))
    assert batches == epoch_batches(lengths, 32, seed=1, epoch=3)
    assert batches != epoch_batches(lengths, 32, seed=1, epoch=4)
    spread = [max(lengths[r] for r in b) - min(lengths[r] for r in b) for b in batches]
    assert np.mean(spread) < 100


def stop_after(steps):
    """Options of a trainer that is stopped after so many steps."""
    seen = []
    return {"on_step": lambda step, *_: seen.append(step), "stop": lambda: len(seen) >= steps - 1}


def assert_same_weights(one, other):
    for ours, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_stopped_and_continued_equals_uninterrupted(chains_and_sites, train, tmp_path):
    settings = recipe("losses.info_nce=0.05", "losses.both_views=true", "losses.true_path=0.1")
    whole_run = train(settings, chains_and_sites, tmp_path / "whole")["Terms"]
    with pytest.raises(StoppedError, match="step 4 of 6"):
        train(settings, chains_and_sites, tmp_path / "parts", **stop_after(4))
    resumed = train(settings, chains_and_sites, tmp_path / "parts")["Terms"]
    assert resumed.losses == whole_run.losses
    assert resumed.validations == whole_run.validations
    assert_same_weights(resumed.model, whole_run.model)
    with pytest.raises(InputError, match="another recipe"):
        train(recipe("optimisation.seed=1"), chains_and_sites, tmp_path / "parts")


def test_the_written_model_is_the_trained_one(chains_and_sites, train, tmp_path):
    result = train(recipe("optimisation.epochs=1"), chains_and_sites, tmp_path)["Terms"]
    model, card = load_model(tmp_path)
    data = chains_and_sites.data
    chains = data.select(data.split["validation"])
    assert np.array_equal(predict_logits(model, chains), predict_logits(result.model, chains))
    assert [t["id"] for t in card["terms"]] == list(data.terms)
    assert card["recipe"]["data"]["ontology"] == card["ontology"] == "ec"
    assert "root" not in card["recipe"]["data"]
    assert card["sites"]["train"] == list(chains_and_sites.sites.train)
    assert json.loads((tmp_path / "model.json").read_text())["cutoff_angstrom"] == 10.0
    training = card["training"]
    assert (training["metric"], training["higher_is_better"]) == ("fmax", True)
    assert training["best"] == result.best.figures["fmax"]


PRE_TRAINED = ("pre_training.epochs=10", "pre_training.learning_rate=0.01", "optimisation.epochs=1")


def test_pre_training_finds_sites_and_the_terms_begin_with_its_weights(chains_and_sites, train, tmp_path):
    settings = recipe(*PRE_TRAINED)
    first = train(settings, chains_and_sites, tmp_path)["Pre-training"]
    values = [figures["aupr"] for _, figures in first.validations]
    assert len(values) == 10
    assert first.best.figures["aupr"] == max(values)
    assert first.losses[-1] < 0.8 * first.losses[0]
    task = ProposalTask(settings, chains_and_sites, first.model)
    with torch.no_grad():
        assert task.validate(first.model)["aupr"] == pytest.approx(max(values))
    assert (tmp_path / "pre_training/training_state.safetensors").is_file()
    assert not (tmp_path / "pre_training/model.json").exists()
    assert json.loads((tmp_path / "model.json").read_text())["training"]["steps"] == 3


def test_a_pre_training_goes_on_where_it_was_stopped(chains_and_sites, train, tmp_path):
    settings = recipe(*PRE_TRAINED, "pre_training.batch_size=2", "pre_training.epochs=2")
    whole_run = train(settings, chains_and_sites, tmp_path / "whole")
    with pytest.raises(StoppedError, match="step 4 of 6"):
        train(settings, chains_and_sites, tmp_path / "parts", **stop_after(4))
    steps = []
    resumed = train(settings, chains_and_sites, tmp_path / "parts", on_step=lambda step, *_: steps.append(step))
    assert steps == [5, 6, 1, 2, 3]
    assert resumed["Pre-training"].losses == whole_run["Pre-training"].losses
    assert_same_weights(resumed["Terms"].model, whole_run["Terms"].model)


def test_steps_with_too_few_chains_are_refused(chains_and_sites):
    settings = recipe("optimisation.batch_size=2")
    task = ProteinTask(settings, chains_and_sites, initial_model(settings, chains_and_sites))
    assert next(iter(task.batches(5, Share(0, 1)))).num_graphs == 2
    with pytest.raises(InputError, match="2 for each of 2 processes are needed"):
        next(iter(task.batches(0, Share(0, 2))))


def test_processes_share_the_chains_of_a_step(chains_and_sites):
    task = ProteinTask(recipe(), chains_and_sites, initial_model(recipe(), chains_and_sites))
    alone = next(iter(task.batches(4, Share())))
    shared = [next(iter(task.batches(4, Share(rank, 2)))) for rank in range(2)]
    assert sorted(name for batch in shared for name in batch.name) == sorted(alone.name)


def test_the_untrained_head_answers_with_frequencies(chains_and_sites):
    model = initial_model(recipe(), chains_and_sites)
    for name, weight in model.head[-1].named_parameters():
        if name == "weight":
            torch.nn.init.zeros_(weight)
    chains = chains_and_sites.data.select(chains_and_sites.data.split["validation"])
    shares = chains_and_sites.labels("train").mean(0).clip(1 / 48)
    found = 1 / (1 + np.exp(-predict_logits(model, chains)))
    np.testing.assert_allclose(found, np.tile(shares, (12, 1)), rtol=1e-4)


def test_parts_of_the_loss(chains_and_sites):
    settings, data = recipe(), chains_and_sites.data.select(chains_and_sites.data.split["train"])
    torch.manual_seed(0)
    model = settings.build_model(52, len(data.terms)).eval()
    batch = collate(data, range(12))

    def loss(**weights):
        off = {"supervised_contrastive": 0, "info_nce": 0, "objectness": 0, **weights}
        objective = Objective(
            Losses(**off), Perturbation(noise_angstrom=0, mask=0, drop_contacts=0), torch.ones(len(data.terms)),
            chains_and_sites.parent_edges, 10.0,
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


def test_objectness_loss_weighs_positives_and_negatives_alike(chains_and_sites):
    batch = collate(chains_and_sites.data.select(chains_and_sites.sites.train[:1]), [0])
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


def test_wrong_recipes(whole, data_folder):
    with pytest.raises(InputError, match="did you mean"):
        recipe("losses.infonce=1")
    with pytest.raises(InputError, match="model: "):
        recipe("model={chanels: 3}").build_model(52, 4)
    with pytest.raises(InputError, match=r"data\.options: "):
        load_training_data(recipe(f"data.root={data_folder}/protein", "data.options={shortes: 3}"))
