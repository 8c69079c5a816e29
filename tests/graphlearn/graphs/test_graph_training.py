"""Training and comparison of readouts."""

from __future__ import annotations

import json
import math

import pytest
import torch
from graph_files import rings_and_chains, write_rings
from other_device import other_device
from torch_geometric.data import Data
from toy_task import equal_weights

from graphlearn.base.errors import InputError, StoppedError
from graphlearn.base.recipes.reading import load_recipe
from graphlearn.datasets.graphs import GraphTable
from graphlearn.graphs.data.prepared import GraphData, binary_targets, load_graph_data, mean_roc_auc
from graphlearn.graphs.data.splits import Split
from graphlearn.graphs.recipe import GraphRecipe
from graphlearn.graphs.system import SYSTEM
from graphlearn.graphs.task import GraphTask
from graphlearn.graphs.weights_figure import weights_figure
from graphlearn.models import HistographGNN
from graphlearn.models.histograph import READOUTS, make_readout
from graphlearn.testing import assert_batch_independent
from graphlearn.training.checkpoint import load_model, save_model
from graphlearn.training.compare import compare as compare_runs
from graphlearn.training.comparison_table import ComparisonTable
from graphlearn.training.packaged import model_recipe
from graphlearn.training.randomness import ALONE, Share, StepDraws
from graphlearn.training.trainer import Trainer

SMALL = {"channels": 8, "conv": "gin"}


@pytest.fixture
def data():
    index = torch.arange(60)
    return GraphData(rings_and_chains(), Split(index[:40], index[40:50], index[50:]), 1, 2, "graph", "accuracy")


def recipe(**changes):
    budget = {"epochs": 25, "patience": 25, "batch_size": 10, "learning_rate": 1e-2}
    data = {"kind": "tu", "name": "RINGS"}
    return GraphRecipe(**{"name": "test", "data": data, "network": SMALL, "budget": budget, "depths": (2,), **changes})


def fit(settings, data, readout, seed=0):
    """Train one readout of two layers."""
    return Trainer("cpu").fit(GraphTask.create(settings, data, readout, 2, seed))


@pytest.mark.parametrize("readout", READOUTS)
def test_every_readout_learns_rings(data, readout):
    result = fit(recipe(), data, readout)
    assert data.evaluate(result.model, data.split.test)[1] == 1.0
    assert result.losses[-1] < result.losses[0]


def test_two_runs_are_equal(data):
    results = [fit(recipe(), data, "history", 3) for _ in range(2)]
    assert results[0].losses == results[1].losses
    weights = [torch.cat([p.detach().flatten() for p in r.model.parameters()]) for r in results]
    assert torch.equal(*weights)


@pytest.mark.parametrize("conv", ["gin", "gcn"])
@pytest.mark.parametrize("readout", ["history", "gmt", "set_transformer", "multilayer"])
def test_predictions_do_not_depend_on_the_batch(conv, readout):
    torch.manual_seed(0)
    table = rings_and_chains(6)
    model = HistographGNN(1, 2, channels=8, num_layers=3, conv=conv, readout=readout).eval()
    assert_batch_independent(
        lambda b: model(b.x, b.edge_index, b.batch, batch_size=b.num_graphs), [table.graph(i) for i in range(6)]
    )


def test_missing_targets_do_not_enter_the_loss():
    table = rings_and_chains()
    y = table.y[:, None].float().repeat(1, 2)
    y[::3, 1] = torch.nan
    table = GraphTable("TWO", table.x, table.edge_index, table.counts, table.edge_counts, y)
    index = torch.arange(60)
    data = GraphData(table, Split(index[:40], index[40:50], index[50:]), 1, 2, "graph", "roc_auc")
    output = torch.zeros(60, 2)
    assert float(data.loss(output, y)) == pytest.approx(0.6931, abs=1e-4)
    changed = output.clone()
    changed[::3, 1] = 100.0
    assert float(data.loss(changed, y)) == float(data.loss(output, y))
    assert data.evaluate(fit(recipe(), data, "history").model, data.split.test)[1] == 1.0


def test_mean_roc_auc_by_hand():
    y = torch.tensor([[1.0, 0.0], [0.0, torch.nan], [1.0, 1.0], [0.0, 0.0]])
    output = torch.tensor([[0.9, 0.1], [0.8, 0.9], [0.7, 0.2], [0.1, 0.3]])
    assert mean_roc_auc(output, y) == pytest.approx((0.75 + 0.5) / 2)
    with pytest.raises(InputError, match="both classes"):
        mean_roc_auc(output[:, :1], torch.ones(4, 1))


def test_integer_features_are_embedded():
    model = HistographGNN([5, 3], 1, channels=8, num_layers=2, conv="gcn")
    x = torch.tensor([[4, 2], [0, 1], [3, 0]])
    edge_index = torch.tensor([[0, 1], [1, 0]])
    assert model(x, edge_index).shape == (1, 1)


def test_node_level():
    model = HistographGNN(4, 3, channels=8, num_layers=2, conv="gcn", norm=None, level="node")
    edge_index = torch.tensor([[0, 1], [1, 0]])
    assert model(torch.randn(5, 4), edge_index).shape == (5, 3)
    with pytest.raises(ValueError, match="at level 'node' use"):
        make_readout("gmt", 8, 3, level="node")


def test_a_trained_model_is_stored_and_read(data, tmp_path):
    result = fit(recipe(), data, "history")
    save_model(tmp_path, result.model, {"test_score": 1.0})
    model, facts = load_model(tmp_path, HistographGNN)
    assert facts["test_score"] == 1.0
    batch = data.batch(torch.arange(5))
    assert torch.equal(data.predict(model, batch)[0], data.predict(result.model, batch)[0])
    from graphlearn.models import OrbEvo

    with pytest.raises(InputError, match="class HistographGNN; this needs OrbEvo"):
        load_model(tmp_path, OrbEvo)
    assert weights_figure(model, data) is not None


@pytest.mark.parametrize(
    "name",
    ["mutag", "ptc", "proteins", "nci1", "enzymes", "imdb-b", "imdb-m", "bbbp", "tox21", "hiv", "cora", "citeseer"],
)
def test_packed_recipes_are_valid(name):
    settings = load_recipe(model_recipe(f"histograph/{name}"), GraphRecipe)
    assert settings.readouts[:2] == ("history", "mean")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"readouts": ("histogram",)}, "unknown readout 'histogram'"),
        ({"test_folds": (10,)}, "0 to 9"),
        ({"network": {"conv": "gat"}}, "gin"),
    ],
)
def test_bad_recipes(changes, message):
    with pytest.raises(ValueError, match=message):
        recipe(**changes)


def test_an_option_that_a_readout_lacks(data):
    settings = recipe(readout_options={"history": {"hedas": 2}})
    with pytest.raises(InputError, match=r"readout 'history'.*hedas"):
        fit(settings, data, "history")


@pytest.fixture
def rings_on_disk(tmp_path):
    """The rings and chains as the text file of a TU set."""
    write_rings(tmp_path)
    return {"kind": "tu", "name": "RINGS", "root": tmp_path, "folds": 0}


def comparison(data, **changes):
    budget = {"epochs": 3, "batch_size": 10}
    return recipe(data=data, budget=budget, readouts=("history", "mean"), test_folds=(0, 1), **changes)


def compare(settings, out, *, jobs=1, **options):
    return compare_runs(SYSTEM.comparison(settings, None, (), "cpu"), out, jobs=jobs, **options)


def without_time(lines):
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr("graphlearn.training.compare.map_unordered", lambda function, work, _: map(function, work))


def test_comparison_continues_and_grows(rings_on_disk, tmp_path, in_this_process):
    out = tmp_path / "runs"
    whole, failed = compare(comparison(rings_on_disk), out)
    assert not failed
    assert [(line["variant"], line["fold"]) for line in whole] == [
        ("history", 0), ("mean", 0), ("history", 1), ("mean", 1),
    ]  # fmt: skip
    text = (out / "runs.jsonl").read_text().splitlines()
    (out / "runs.jsonl").write_text("\n".join(text[:2]) + "\n" + text[2][:20])  # killed while it wrote
    again, _ = compare(comparison(rings_on_disk), out)
    assert without_time(again) == without_time(whole)
    assert len(compare(comparison(rings_on_disk, seeds=(0, 1)), out).done) == 8
    with pytest.raises(InputError, match=r"differ in network\.channels"):
        compare(comparison(rings_on_disk, network={**SMALL, "channels": 16}), out)
    options = {"readout_options": {"history": {"heads": 1}}}
    with pytest.raises(InputError, match=r"differ in readout_options"):
        compare(comparison(rings_on_disk, **options), out)


def test_the_table_and_the_figure(rings_on_disk, tmp_path, in_this_process):
    settings = comparison(rings_on_disk)
    lines, _ = compare(settings, tmp_path / "runs")
    table = ComparisonTable(SYSTEM.comparison(settings, None, (), "cpu"), lines)
    scores = [line["figures"]["score"] for line in lines if line["variant"] == "history"]
    cell = table.cell("history", "2 layers", "score")
    assert cell.mean == pytest.approx(sum(scores) / 2)
    assert cell.stderr == pytest.approx(abs(scores[0] - scores[1]) / 2)
    text = table.markdown()
    assert text.splitlines()[0] == "|  | 2 layers | runs |"
    assert "**" in text
    assert text.splitlines()[-1] == "| the commonest class | 50.0 | – |"
    assert table.figure().axes
    assert json.dumps(lines)


def test_real_task_has_three_disjoint_parts(data_folder):
    recipe_ = load_recipe(model_recipe("histograph/mutag"), GraphRecipe)
    seen = []
    for fold in range(10):
        data = load_graph_data(recipe_.data.model_copy(update={"root": data_folder / "tu"}), fold)
        assert len(set(torch.cat(data.split).tolist())) == 188
        seen += data.split.test.tolist()
    assert sorted(seen) == list(range(188))


def test_a_loss_that_is_not_finite_stops_the_run(data):
    budget = {"epochs": 3, "batch_size": 10, "learning_rate": 1e20}
    with pytest.raises(RuntimeError, match=r"lower optimisation\.learning_rate"):
        fit(recipe(budget=budget), data, "mean")


def test_stopped_and_continued_equals_uninterrupted(data, tmp_path):
    settings = recipe(budget={"epochs": 3, "batch_size": 10, "learning_rate": 1e-2})
    whole = fit(settings, data, "history")
    done = []
    with pytest.raises(StoppedError, match="step 6 of 12"):
        Trainer("cpu", on_step=lambda *s: done.append(s), stop=lambda: len(done) == 5).fit(
            GraphTask.create(settings, data, "history", 2), tmp_path
        )
    parts = Trainer("cpu").fit(GraphTask.create(settings, data, "history", 2), tmp_path)
    assert (parts.losses, parts.validations) == (whole.losses, whole.validations)
    assert equal_weights(parts.model, whole.model)
    card = json.loads((tmp_path / "model.json").read_text())
    assert card["test_score"] == data.evaluate(whole.model, data.split.test)[1]
    assert card["training"]["metric"] == "loss"
    with pytest.raises(InputError, match="another recipe or data set"):
        Trainer("cpu").fit(GraphTask.create(settings, data, "mean", 2), tmp_path)


def test_every_graph_is_seen_once_per_epoch_in_another_order_and_shared(data, monkeypatch):
    task = GraphTask.create(recipe(budget={"epochs": 2, "batch_size": 12}), data, "mean", 2)
    rows = []
    monkeypatch.setattr(GraphData, "batch", lambda self, chosen: rows.append(chosen))
    list(task.batches(0, ALONE))
    first, second = torch.cat(rows[:4]), torch.cat(rows[4:])
    assert first.sort().values.tolist() == second.sort().values.tolist() == data.split.train.tolist()
    assert first.tolist() != second.tolist()
    alone = [r.tolist() for r in rows[5:]]
    rows.clear()
    list(task.batches(5, Share(1, 2)))
    assert [r.tolist() for r in rows] == [r[1::2] for r in alone]


def test_the_better_validation_is_chosen_and_equal_ones_by_the_other_figure(data):
    for select, metrics in (("loss", ["loss", "accuracy"]), ("score", ["accuracy", "loss"])):
        task = GraphTask.create(recipe(budget={"select": select}), data, "mean", 2)
        assert [metric.name for metric in task.metrics] == metrics
        assert [metric.higher_is_better for metric in task.metrics] == [name == "accuracy" for name in metrics]


@pytest.mark.parametrize("level", ["graph", "node"])
def test_a_step_and_a_validation_are_the_same_on_another_device(data, level):
    if level == "node":
        network, index = data.batch(torch.arange(6)), torch.arange(20)
        network.y = torch.arange(network.num_nodes) % 2
        data = GraphData(
            Data(network.x, network.edge_index, y=network.y), Split(index, index, index), 1, 2, "node", "accuracy"
        )

    def step(model):
        batch = next(iter(task.batches(0, ALONE)))
        torch.manual_seed(0)
        total, count = task.loss(model, batch, StepDraws(0, 0)).unbind()
        (total / count).backward()
        return [total.item(), count.item(), *task.validate(model.eval()).values()]

    settings = recipe(network={**SMALL, "conv": "gcn", "dropout": 0.2})
    task = GraphTask.create(settings, data, "history", 2)
    expected = step(task.model.train())
    task = GraphTask.create(settings, data, "history", 2)
    with other_device() as device:
        assert step(task.model.train().to(device)) == expected


def test_runs_of_other_data_are_not_mixed(rings_on_disk, tmp_path, in_this_process):
    compare(comparison(rings_on_disk), tmp_path / "runs")
    other = tmp_path / "other"
    other.mkdir()
    write_rings(other, 40)
    with pytest.raises(InputError, match=r"differ in data_set"):
        compare(comparison({**rings_on_disk, "root": other}), tmp_path / "runs")


def test_batches_that_teach_nothing_are_left_out():
    edge = torch.zeros(2, 0, dtype=torch.long)
    y = torch.tensor([[1.0], [0.0], [torch.nan], [1.0], [0.0]])
    single = [Data(x=torch.ones(1, 1), edge_index=edge, y=row[None]) for row in y]
    index = torch.arange(5)
    data = GraphData(GraphTable.from_graphs("ONE", single), Split(index, index, index), 1, 1, "graph", "roc_auc")
    settings = recipe(budget={"epochs": 2, "batch_size": 2})  # the last batch is one node; one batch may know nothing
    result = fit(settings, data, "mean")
    assert len(result.losses) == 6
    assert any(math.isfinite(loss) for loss in result.losses)
    assert sum(math.isnan(loss) for loss in result.losses) >= 2


def test_the_sized_path_of_the_model_compiles():
    model = HistographGNN(1, 2, channels=8, num_layers=2).eval()
    batch = rings_and_chains(4).batch(torch.arange(4))
    sizes = {"batch_size": 4, "max_num_nodes": 8}
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    expected = model(batch.x, batch.edge_index, batch.batch)
    torch.testing.assert_close(compiled(batch.x, batch.edge_index, batch.batch, **sizes), expected)


def test_measured_values_are_not_classes():
    table = rings_and_chains(4)
    y = torch.tensor([[1.0, 0.5], [0.0, 9.1], [torch.nan, 3.0], [1.0, 2.0]])
    mixed = GraphTable("MIXED", table.x, table.edge_index, table.counts, table.edge_counts, y)
    assert binary_targets(mixed).y.shape == (4, 1)
    values = GraphTable("VALUES", table.x, table.edge_index, table.counts, table.edge_counts, y[:, 1:])
    with pytest.raises(InputError, match="no target of two classes"):
        binary_targets(values)
