"""ProteinRPN against the same model on dense adjacency matrices, and its growth with the length of a chain.

    OMP_NUM_THREADS=1 python benchmarks/proteins.py --out OUT.json

Chains are real ones of $GRAPHLEARN_DATA/protein, cut to the length; for more than 1,000 residues, several side by side.
Outputs of both forms are compared first. Every case runs in a process of its own, which measures the largest memory;
times are medians over steps.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from dense_protein import dense_logits
from torch import Tensor
from torch_geometric.data import Batch

from graphlearn.datasets import ProteinGO
from graphlearn.models import ProteinRPN
from graphlearn.proteins import NUM_FEATURES, ProteinChain, contact_graph

TERMS, STEPS = 500, 5
TRAINING = ((200, 8), (1000, 2))
GROWTH = (100, 250, 500, 1000, 2000)
BESIDE_ANGSTROM = 60.0


def chains(length: int, count: int) -> list[ProteinChain]:
    """So many chains of so many residues."""
    data = ProteinGO.from_tables(Path(os.environ["GRAPHLEARN_DATA"]) / "protein", None)
    parts = -(-length // 1000)
    piece = length // parts
    long = sorted(name for name, size in data.lengths.items() if size >= piece)[: count * parts]
    found = [data.chain(name) for name in long]
    return [_beside(found[i * parts : (i + 1) * parts], piece, str(i)) for i in range(count)]


def _beside(parts: list[ProteinChain], piece: int, name: str) -> ProteinChain:
    shifts = [np.array([BESIDE_ANGSTROM * i, 0, 0]) for i in range(len(parts))]
    return ProteinChain(
        name=name,
        sequence="".join(p.sequence[:piece] for p in parts),
        ca_angstrom=np.concatenate([p.ca_angstrom[:piece] + s for p, s in zip(parts, shifts, strict=True)]),
        residue_ids=tuple(f"A:{i}" for i in range(piece * len(parts))),
        secondary="".join(p.secondary[:piece] for p in parts),
        secondary_source="given",
        accessibility=np.concatenate([p.accessibility[:piece] for p in parts]),
    )


def build() -> ProteinRPN:
    torch.manual_seed(0)
    return ProteinRPN(
        NUM_FEATURES, TERMS, channels=128, hidden=64, num_layers=2, node_drop=False, readout="mean", dropout=0.0,
        sequence_layers=1, kernel_size=5,
    )  # fmt: skip


def dense(batch: Batch) -> tuple[Tensor, Tensor]:
    """Features [B, N, F] and contacts [B, N, N] of chains of one length."""
    size = batch.num_graphs
    length = batch.num_nodes // size
    contacts = torch.zeros(size, length, length)
    source, target = batch.edge_index
    contacts[batch.batch[source], target % length, source % length] = 1
    return batch.features.view(size, length, -1), contacts


def largest_mib(*, forget: bool = False) -> float:
    """Largest resident memory of the process, from now on where the past is forgotten (Linux)."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def case(form: str, length: int, count: int, train: bool) -> dict[str, float]:
    """Seconds a step, and MiB above what was there before the first one."""
    batch, model = Batch.from_data_list([contact_graph(c) for c in chains(length, count)]), build().train(train)
    inputs = dense(batch) if form == "dense" else ()
    seconds, before = [], largest_mib(forget=True)
    for _ in range(STEPS):
        start = time.perf_counter()
        with torch.set_grad_enabled(train):
            logits = dense_logits(model, *inputs) if form == "dense" else model(batch).logits
            if train:
                logits.square().mean().backward()
        seconds.append(time.perf_counter() - start)
    contacts = batch.edge_index.size(1) / batch.num_nodes
    return {"seconds": median(seconds), "mib": largest_mib() - before, "contacts": contacts}


def in_own_process(form: str, length: int, count: int, train: bool) -> dict[str, float]:
    """A case alone, so that its largest memory is its own."""
    words = [sys.executable, __file__, "--case", form, str(length), str(count), str(int(train))]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def check() -> float:
    """Largest difference of logits between both forms; they must be the same function."""
    batch, model = Batch.from_data_list([contact_graph(c) for c in chains(150, 3)]), build().eval()
    with torch.no_grad():
        difference = float((model(batch).logits - dense_logits(model, *dense(batch))).abs().max())
    if difference > 1e-4:
        raise RuntimeError(f"sparse and dense logits differ by {difference}")
    return difference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs=4, metavar=("FORM", "LENGTH", "COUNT", "TRAIN"), help="one case, as JSON")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.case:
        form, length, count, train = options.case
        print(json.dumps(case(form, int(length), int(count), train == "1")))
        return
    rows = []
    print(f"logits of both forms differ by {check():.1e}")
    print("| training step | sparse, s | dense, s | ratio | sparse, MiB | dense, MiB | ratio |")
    print("|---|---|---|---|---|---|---|")
    for length, count in TRAINING:
        both = {form: in_own_process(form, length, count, True) for form in ("sparse", "dense")}
        rows.append({"length": length, "chains": count, **both})
        ours, other = both["sparse"], both["dense"]
        cells = (
            f"{count} chains of {length}", f"{ours['seconds']:.3f}", f"{other['seconds']:.3f}",
            f"{other['seconds'] / ours['seconds']:.1f}", f"{ours['mib']:.0f}", f"{other['mib']:.0f}",
            f"{other['mib'] / ours['mib']:.1f}",
        )  # fmt: skip
        print("| " + " | ".join(cells) + " |", flush=True)
    print("\n| inference, residues | contacts of each | chains a second | ms a residue | MiB |\n|---|---|---|---|---|")
    for length in GROWTH:
        found = in_own_process("sparse", length, 1, False)
        rows.append({"length": length, "inference": found})
        cells = (
            str(length), f"{found['contacts']:.1f}", f"{1 / found['seconds']:.1f}",
            f"{1000 * found['seconds'] / length:.3f}", f"{found['mib']:.0f}",
        )  # fmt: skip
        print("| " + " | ".join(cells) + " |", flush=True)
    facts = {"torch": torch.__version__, "threads": 1, "machine": platform.machine(), "terms": TERMS}
    if options.out:
        options.out.write_text(json.dumps({"facts": facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
