"""A small data set that one round of messages solves: rings are class 1, chains class 0."""

from __future__ import annotations

import torch
from torch_geometric.data import Data

from graphlearn.datasets.graphs import GraphTable


def rings_and_chains(count=60):
    """Rings and chains of four to eight nodes in turn."""
    data = []
    for i in range(count):
        n = 4 + i % 5
        chain = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
        if i % 2:
            chain = torch.cat([chain, torch.tensor([[n - 1], [0]])], 1)
        edges = torch.cat([chain, chain.flip(0)], 1)
        data.append(Data(x=torch.ones(n, 1), edge_index=edges, y=torch.tensor([i % 2])))
    return GraphTable.from_graphs("RINGS", data)


def write_dgcnn(path, table, tags):
    """Write a data set in DGCNN's text format."""
    lines = [str(len(table))]
    node = 0
    for i in range(len(table)):
        graph = table.graph(i)
        lines.append(f"{graph.num_nodes} {int(graph.y)}")
        for v in range(graph.num_nodes):
            neighbours = graph.edge_index[1, graph.edge_index[0] == v].tolist()
            lines.append(" ".join(map(str, [int(tags[node]), len(neighbours), *neighbours])))
            node += 1
    path.write_text("\n".join(lines) + "\n")


def write_rings(folder, count=60):
    """Write ``RINGS.txt``."""
    table = rings_and_chains(count)
    write_dgcnn(folder / "RINGS.txt", table, torch.zeros(int(table.counts.sum())))
