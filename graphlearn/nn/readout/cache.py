"""Activations of a frozen network, computed once and kept."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_geometric.data import Batch, Data

SCHEMA_VERSION = 1
LARGEST_DESCRIPTION = 2**20  # bytes
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def _call(backbone: nn.Module, batch: Any) -> list[Tensor]:
    history: list[Tensor] = backbone(batch.x, batch.edge_index)
    return history


def _description(file: Path) -> Any:
    if file.stat().st_size > LARGEST_DESCRIPTION:
        raise ValueError(f"{file.name} is too large")
    return json.loads(file.read_text())


def _channels(description: Any) -> list[int]:
    channels = description.get("channels") if isinstance(description, dict) else None
    if not isinstance(channels, list) or not all(type(count) is int and count > 0 for count in channels):
        raise ValueError("history.json does not give the channels of each layer")
    return channels


class HistoryCache(Dataset[Data]):
    """The history of every graph of a data set, for training a readout on a frozen network.

    Each item is a graph: ``history`` ``[n, sum of channels]`` (all layers side by side), ``num_nodes`` and the other
    kept attributes. PyG's ``DataLoader`` batches them; :meth:`layers` gives back the list that readouts take.

    Args:
        history: All nodes' activations, ``[N, sum of channels]``, in memory or mapped from disk.
        counts: Nodes of each graph.
        channels: Channels of each layer.
        kept: Tensors with one row per graph, for example ``y``.

    Example:
        >>> from torch_geometric.loader import DataLoader
        >>> from torch_geometric.nn import GIN
        >>> graphs = [Data(x=torch.randn(3, 4), edge_index=torch.tensor([[0, 1], [1, 2]]), y=torch.tensor([i]))
        ...           for i in range(4)]
        >>> from graphlearn.nn import FrozenBackbone, HistoryReadout
        >>> cache = HistoryCache.record(FrozenBackbone(GIN(4, 8, num_layers=2)), DataLoader(graphs, batch_size=2))
        >>> batch = next(iter(DataLoader(cache, batch_size=4, shuffle=True)))
        >>> HistoryReadout(8)(cache.layers(batch), batch.batch).shape
        torch.Size([4, 8])
    """

    def __init__(self, history: Tensor, counts: Tensor, channels: list[int], kept: dict[str, Tensor]) -> None:
        self._history, self.counts, self.channels, self._kept = history, counts, channels, kept
        self._starts = (counts.cumsum(0) - counts).tolist()

    @classmethod
    @torch.no_grad()
    def record(
        cls,
        backbone: nn.Module,
        batches: Iterable[Batch],
        *,
        call: Callable[[nn.Module, Any], list[Tensor]] = _call,
        keep: tuple[str, ...] = ("y",),
        dtype: torch.dtype = torch.float32,
        folder: str | os.PathLike[str] | None = None,
    ) -> HistoryCache:
        """Run a frozen network once over batches of graphs.

        Args:
            backbone: Gives a list of layer outputs, for example a :class:`~graphlearn.nn.FrozenBackbone`.
            batches: Batches of PyG, in the order in which the graphs shall be numbered.
            call: How to call the network on a batch; by default ``backbone(batch.x, batch.edge_index)``.
            keep: Attributes to keep that have one row per graph; none of them may be called ``counts``.
            dtype: ``torch.float32``, ``bfloat16`` or ``float16`` (half the size).
            folder: Write the activations there instead of keeping them in memory; open them again with :meth:`load`.

        Returns:
            The recorded layer outputs.

        Raises:
            ValueError: for another dtype, a network in training mode, batches that give no history, or an attribute
                that has not one row per graph.
        """
        if "counts" in keep:
            raise ValueError("an attribute 'counts' cannot be kept: that name holds the nodes of each graph; rename it")
        name = str(dtype).removeprefix("torch.")
        if name not in DTYPES:
            raise ValueError(f"dtype {name} cannot be cached; choose one of {', '.join(DTYPES)}")
        if any(module.training for module in backbone.modules()):
            raise ValueError("the network is in training mode; wrap it in FrozenBackbone")
        parts: list[Tensor] = []
        counts: list[Tensor] = []
        kept: dict[str, list[Tensor]] = {key: [] for key in keep}
        channels: list[int] = []
        path = None if folder is None else Path(folder)
        if path is not None:
            path.mkdir(parents=True, exist_ok=True)
            (path / "history.json").unlink(missing_ok=True)
        stream = None if path is None else (path / "history.bin").open("wb")
        try:
            for batch in batches:
                xs = call(backbone, batch)
                channels = [x.size(1) for x in xs]
                rows = torch.cat(xs, 1).to(dtype).cpu()
                if stream is None:
                    parts.append(rows)
                else:
                    stream.write(rows.contiguous().view(torch.uint8).numpy().tobytes())
                counts.append((batch.ptr[1:] - batch.ptr[:-1]).cpu())
                for key in keep:
                    if key not in batch or len(batch[key]) != batch.num_graphs:
                        raise ValueError(f"{key!r} does not have one row per graph; name what to keep with keep=(...)")
                    kept[key].append(batch[key].cpu())
        finally:
            if stream is not None:
                stream.close()
        if not channels:
            raise ValueError("there was no batch to record")
        tables = {key: torch.cat(values) for key, values in kept.items()}
        if path is None:
            return cls(torch.cat(parts), torch.cat(counts), channels, tables)
        description = {"schema_version": SCHEMA_VERSION, "dtype": name, "channels": channels}
        save_file({"counts": torch.cat(counts), **tables}, path / "graphs.safetensors")
        (path / "history.json").write_text(json.dumps(description, indent=2))
        return cls.load(path)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> HistoryCache:
        """Open a folder that :meth:`record` has written; activations stay on disk until they are used.

        Args:
            folder: Where :meth:`record` wrote it.

        Returns:
            The recorded layer outputs.

        Raises:
            ValueError: if the folder is no complete cache.
        """
        path = Path(folder)
        try:
            description = _description(path / "history.json")
            channels = _channels(description)
            tables = load_file(path / "graphs.safetensors")
            counts, dtype = tables.pop("counts"), DTYPES[description["dtype"]]
            if counts.dtype != torch.int64 or counts.dim() != 1 or bool((counts < 0).any()):
                raise ValueError("the counts are not one whole number for each graph")
            if any(table.dim() == 0 or len(table) != len(counts) for table in tables.values()):
                raise ValueError("a table does not have one row for each graph")
            shape = (int(counts.sum()), sum(channels))
            file = path / "history.bin"
            if file.stat().st_size != math.prod(shape) * dtype.itemsize:
                raise ValueError("history.bin has another size")
            history = torch.from_file(str(file), size=math.prod(shape), dtype=dtype).view(shape)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
            raise ValueError(f"{path} is not a complete history cache ({error}); record it again") from None
        if description.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(
                f"{path}: schema version {description['schema_version']}, this program reads {SCHEMA_VERSION}"
            )
        return cls(history, counts, channels, tables)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Data:
        index = range(len(self))[index]
        start, count = self._starts[index], int(self.counts[index])
        kept = {key: table[index : index + 1] for key, table in self._kept.items()}
        return Data(history=self._history[start : start + count], num_nodes=count, **kept)

    def layers(self, batch: Data) -> list[Tensor]:
        """The history of a batch as a list with one tensor ``[N, channels]`` per layer, in float32."""
        return [part.float() for part in batch.history.split(self.channels, dim=1)]
