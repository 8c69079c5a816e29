"""The outputs of a network's layers, without changing the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing


def layer_outputs(
    model: nn.Module, *args: Any, layers: Sequence[nn.Module] | None = None, **kwargs: Any
) -> list[Tensor]:
    """Run a model and return the output of each of its layers, in the order in which they ran.

    The outputs are those that the model itself computed: gradients flow into it, and its mode (training, evaluation)
    is left as it is. A layer that runs twice is listed twice.

    Args:
        model: Any network; a compiled one runs uncompiled here.
        *args: Arguments of the model.
        layers: Modules whose outputs to take; by default all of PyG's message-passing layers.
        **kwargs: Keyword arguments of the model.

    Returns:
        One tensor ``[N, channels]`` per layer.

    Raises:
        ValueError: if no layer ran.

    Example:
        >>> from torch_geometric.nn import GIN
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> [x.shape[1] for x in layer_outputs(GIN(4, 16, num_layers=3), torch.randn(3, 4), edge_index)]
        [16, 16, 16]
    """
    model = getattr(model, "_orig_mod", model)  # a compiled model does not call hooks
    taps = [m for m in model.modules() if isinstance(m, MessagePassing)] if layers is None else list(layers)
    history: list[Tensor] = []

    def record(_module: nn.Module, _inputs: Any, output: Any) -> None:
        history.append(output[0] if isinstance(output, tuple) else output)

    handles = [tap.register_forward_hook(record) for tap in taps]
    try:
        model(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    if not history:
        raise ValueError(
            "no layer ran: the model has no message-passing layer of PyTorch Geometric; "
            "name its layers with layers=[...]"
        )
    return history


class FrozenBackbone(nn.Module):
    """A trained network that only gives the outputs of its layers: no gradients, always in evaluation mode.

    Args:
        model: The network; its parameters stop requiring gradients.
        layers: As in :func:`layer_outputs`.

    Shapes:
        - output: a list of L tensors ``[N, channels]``
    """

    def __init__(self, model: nn.Module, layers: Sequence[nn.Module] | None = None) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)
        self._layers = None if layers is None else tuple(layers)
        self.train(False)

    def train(self, mode: bool = True) -> FrozenBackbone:
        """Stay in evaluation mode: normalisation statistics do not move."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, *args: Any, **kwargs: Any) -> list[Tensor]:
        """Outputs of the layers."""
        return layer_outputs(self.model, *args, layers=self._layers, **kwargs)
