"""OrbEvo at the published size, and its parts against e3nn: forward, SO(2) convolution, rotations, density.

    OMP_NUM_THREADS=2 python benchmarks/equivariant.py --out OUT.json

Erythritol, C4H10O4: 18 atoms, 25 occupied states, its geometry from RDKit; orbital coefficients are random numbers, as
the speed does not depend on them. Medians of repetitions.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from e3nn import o3
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from graphlearn.base.tables import Table
from graphlearn.models import OrbEvo
from graphlearn.nn.equivariant import DensityEncoder, EdgeRotation
from graphlearn.nn.equivariant.density import coupling_matrix
from graphlearn.nn.equivariant.so2 import SO2Linear
from graphlearn.orbitals.chunking import state_chunk_size
from graphlearn.orbitals.data.batch import OrbitalBatch
from graphlearn.radius_graph import radius_graph
from tdddft import read_molecules

VARIANTS = ("dm", "wf")
STATES = 25


def seconds(function: Callable[[], object], repeats: int = 5) -> float:
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return median(times)


def erythritol() -> OrbitalBatch:
    (molecule,) = read_molecules("smiles:OCC(O)C(O)CO")
    atoms = len(molecule.numbers)
    random = torch.Generator().manual_seed(0)
    return OrbitalBatch(
        numbers=torch.as_tensor(molecule.numbers),
        positions_angstrom=torch.as_tensor(molecule.positions_angstrom, dtype=torch.float32),
        edge_index=torch.as_tensor(radius_graph(molecule.positions_angstrom, 5.0).copy()),
        batch=torch.zeros(atoms, dtype=torch.int64),
        c0=torch.randn(atoms, STATES, 9, 2, generator=random),
        delta=torch.randn(atoms, STATES, 9, 2, 8, 2, generator=random),
        target=None,
        slot_mask=torch.ones(atoms, 9, 2),
        occupations=torch.full((1, STATES), 2.0),
        field_strength=torch.randn(1, 160, generator=random),
        field_direction=torch.tensor([[0.0, 0.0, 1.0]]),
    )


@torch.no_grad()
def whole_models(batch: OrbitalBatch) -> list[dict[str, float | str]]:
    rows: list[dict[str, float | str]] = []
    for variant in VARIANTS:
        model = OrbEvo.published(variant).eval()
        parts = state_chunk_size(model, batch, None)  # as a rollout does
        took = seconds(lambda m=model, k=parts: m(batch, state_chunk_size=k), 3)  # type: ignore[misc]
        parameters = sum(p.numel() for p in model.parameters())
        rows.append({"model": f"OrbEvo-{variant.upper()}", "parameters": parameters, "seconds": took})
    return rows


@torch.no_grad()
def where_the_time_goes(batch: OrbitalBatch) -> str:
    model = OrbEvo.published("dm").eval()
    parts = state_chunk_size(model, batch, None)
    model(batch, state_chunk_size=parts)
    with profile(activities=[ProfilerActivity.CPU]) as watched:
        model(batch, state_chunk_size=parts)
    return str(watched.key_averages().table(sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=32))


def convolutions(edges: int = 300, channels: int = 16) -> list[dict[str, float]]:
    """Forward and backward of one equivariant map along edges: ours in the edge frame, e3nn's full tensor product."""
    rows = []
    for lmax in (2, 4, 6):
        vectors = torch.randn(edges, 3)
        x = torch.randn(edges, (lmax + 1) ** 2, channels, requires_grad=True)
        ours = SO2Linear(lmax, channels, channels)
        harmonics = o3.Irreps.spherical_harmonics(lmax, p=1)
        irreps = o3.Irreps([(channels, (l, 1)) for l in range(lmax + 1)])
        product = o3.FullyConnectedTensorProduct(irreps, harmonics, irreps)
        y = torch.randn(edges, irreps.dim, requires_grad=True)
        sphere = o3.spherical_harmonics(harmonics, vectors[:, [1, 2, 0]], normalize=True)

        def edge_frame(x: Tensor = x, vectors: Tensor = vectors, ours: SO2Linear = ours, lmax: int = lmax) -> None:
            rotation = EdgeRotation(vectors, lmax)
            out, _ = ours(rotation.into_edge(x.unsqueeze(1), lmax))
            rotation.out_of_edge(out, lmax).sum().backward()

        def full(y: Tensor = y, sphere: Tensor = sphere, product: o3.TensorProduct = product) -> None:
            product(y, sphere).sum().backward()

        rows.append({"lmax": lmax, "ours_ms": 1e3 * seconds(edge_frame), "e3nn_ms": 1e3 * seconds(full)})
    return rows


@torch.no_grad()
def rotations(edges: int = 2000) -> list[dict[str, float]]:
    """Wigner D matrices that turn edges onto the axis."""
    rows = []
    for lmax in (2, 4, 6):
        vectors = torch.randn(edges, 3)

        def theirs(vectors: Tensor = vectors, lmax: int = lmax) -> None:
            alpha, beta = o3.xyz_to_angles(vectors)
            for l in range(lmax + 1):
                o3.wigner_D(l, torch.zeros_like(alpha), -beta, -alpha)

        def ours(vectors: Tensor = vectors, lmax: int = lmax) -> None:
            EdgeRotation(vectors, lmax).matrix(lmax)

        rows.append({"lmax": lmax, "ours_ms": 1e3 * seconds(ours), "e3nn_ms": 1e3 * seconds(theirs)})
    return rows


@torch.no_grad()
def density(batch: OrbitalBatch) -> dict[str, float]:
    """Encoding all pairs: states summed before the change of basis (ours) or after it, state by state."""
    encoder = DensityEncoder((2, 2, 1), 8, 128, lmax=4)
    occupations = batch.occupations[batch.batch]

    def ours() -> None:
        encoder(batch.c0, batch.delta, occupations, batch.edge_index)

    table = coupling_matrix((2, 2, 1), 4).float()

    def state_by_state() -> None:
        for n in range(STATES):
            one = slice(n, n + 1)
            blocks = encoder.blocks(batch.c0[:, one], batch.delta[:, one], occupations[:, one], batch.edge_index)
            blocks.flatten(2) @ table

    fast, slow = 1e3 * seconds(ours), 1e3 * seconds(state_by_state, 3)
    return {"ours_ms": fast, "state_by_state_ms": slow}


def table(rows: list[dict[str, float | str]]) -> str:
    cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    return Table(list(rows[0]), cells).markdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--profile", action="store_true", help="also print where the time of the DM forward goes")
    options = parser.parse_args()
    batch = erythritol()
    edges = batch.edge_index.shape[1]
    print(f"{len(batch.numbers)} atoms, {edges} edges, {STATES} states, threads: {torch.get_num_threads()}")
    results = {
        "threads": torch.get_num_threads(),
        "models": whole_models(batch),
        "density": [density(batch)],
        "convolution": convolutions(),
        "rotation": rotations(),
    }
    for name in ("models", "density", "convolution", "rotation"):
        print(f"\n{name}\n{table(results[name])}")  # type: ignore[arg-type]
    if options.profile:
        print(where_the_time_goes(batch))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
