"""Time and peak memory of readouts, forward and backward, against mean pooling and PyG's, in one run.

    python benchmarks/readouts.py --out OUT.json

Every readout sits on the same GIN and sees the same batches. Steps of all readouts alternate, so that a busy machine
slows all of them; the figure is the median step over the median step of mean pooling. ``history (literal)`` has the
same weights and, where the guard does not act, gives the same numbers as ``history``, but forms every tensor of the
paper's equations.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from literal_history import literal_readout
from torch import Tensor, nn
from torch_geometric.data import Batch

from graphlearn.datasets.graphs import GraphTable, load_moleculenet, load_tu
from graphlearn.models import HistographGNN
from graphlearn.nn import HistoryReadout

READOUTS = ("mean", "history", "history (literal)", "jk_lstm", "gmt", "set_transformer")
SECONDS_A_READOUT = 3.0


class Literal(nn.Module):
    """The literal form behind the signature of a readout."""

    def __init__(self, readout: HistoryReadout) -> None:
        super().__init__()
        self.readout = readout

    def forward(self, xs: list[Tensor], batch: Tensor, *, batch_size: int) -> Tensor:
        return literal_readout(self.readout, xs, batch, batch_size)[0]


def load(name: str, root: Path) -> GraphTable:
    if name == "HIV":
        return load_moleculenet("hiv", root / "moleculenet")[0]
    return load_tu(name, root / "tu")


def build(name: str, table: GraphTable, channels: int, depth: int) -> HistographGNN:
    torch.manual_seed(0)
    inputs = table.x.size(1) if table.x.is_floating_point() else [int(v) + 1 for v in table.x.max(0).values]
    model = HistographGNN(inputs, 2, channels=channels, num_layers=depth, readout=name.split(" ")[0])
    if name == "history (literal)":
        model.readout = Literal(model.readout)
    return model


def whole_step(model: HistographGNN) -> Callable[[Batch], None]:
    def step(batch: Batch) -> None:
        model.zero_grad()
        model(batch.x, batch.edge_index, batch.batch, batch_size=batch.num_graphs).square().mean().backward()

    return step


def readout_alone(model: HistographGNN, batches: list[Batch]) -> Callable[[Batch], None]:
    with torch.no_grad():
        histories = [[x.detach() for x in model.history(b.x, b.edge_index)] for b in batches]
    of_batch = {id(batch): [x.requires_grad_() for x in xs] for batch, xs in zip(batches, histories, strict=True)}

    def step(batch: Batch) -> None:
        xs = of_batch[id(batch)]
        for x in xs:
            x.grad = None
        model.zero_grad()
        model.readout(xs, batch.batch, batch_size=batch.num_graphs).square().mean().backward()

    return step


def peak_mb(step: Callable[[Batch], None], batch: Batch) -> float:
    """Largest sum of tensor memory that one step allocates, MB."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step(batch)
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak / 1e6


def measure(steps: dict[str, Callable[[Batch], None]], batches: list[Batch]) -> dict[str, dict[str, float]]:
    """Median milliseconds and peak megabytes of one step of each."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    memory = {}
    for name, step in steps.items():
        step(batches[0])
        memory[name] = peak_mb(step, batches[0])
    for batch in batches:
        for name, step in steps.items():
            if sum(times[name]) > SECONDS_A_READOUT:
                continue
            started = time.perf_counter()
            step(batch)
            times[name].append(time.perf_counter() - started)
    return {
        name: {"ms": 1e3 * median(times[name]), "peak_mb": memory[name], "steps": len(times[name])} for name in steps
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GRAPHLEARN_DATA", "data")))
    parser.add_argument("--sets", nargs="+", default=["PROTEINS", "NCI1", "HIV"])
    parser.add_argument("--depths", nargs="+", type=int, default=[5, 32])
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[32, 128])
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--readouts", nargs="+", default=list(READOUTS))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.readouts = ["mean", *(name for name in options.readouts if name != "mean")]
    torch.set_num_threads(options.threads)
    rows = []
    print("| set | layers | batch | readout | step ms | step ÷ mean | step MB | readout ms | readout MB |")
    print("|---" * 9 + "|")
    for name in options.sets:
        table = load(name, options.data)
        shuffle = torch.Generator().manual_seed(0)
        for depth in options.depths:
            models = {readout: build(readout, table, options.channels, depth) for readout in options.readouts}
            for size in options.batch_sizes:
                order = torch.randperm(len(table), generator=shuffle)[: size * options.steps]
                batches = list(table.batches(order, size))
                whole = measure({k: whole_step(m) for k, m in models.items()}, batches)
                alone = measure({k: readout_alone(m, batches) for k, m in models.items()}, batches)
                for readout in options.readouts:
                    row = {"set": name, "layers": depth, "batch": size, "readout": readout}
                    row |= {f"step_{k}": v for k, v in whole[readout].items()}
                    row |= {f"readout_{k}": v for k, v in alone[readout].items()}
                    row["step_ms_of_mean"] = whole["mean"]["ms"]
                    rows.append(row)
                    over_mean = row["step_ms"] / row["step_ms_of_mean"]
                    cells = (
                        name, depth, size, readout, f"{row['step_ms']:.1f}", f"{over_mean:.2f}",
                        f"{row['step_peak_mb']:.0f}", f"{row['readout_ms']:.1f}", f"{row['readout_peak_mb']:.1f}",
                    )  # fmt: skip
                    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    facts = {
        "torch": torch.__version__,
        "threads": options.threads,
        "machine": platform.machine(),
        "channels": options.channels,
    }
    if options.out:
        options.out.write_text(json.dumps({"facts": facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
