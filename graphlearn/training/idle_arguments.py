"""Arguments of models that have no effect beside their other arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from graphlearn.models import OrbEvo, ProteinRPN, ResponseOrbEvo

Rules = Callable[[dict[str, Any]], dict[str, str]]


def idle_arguments(model: type, given: Mapping[str, Any]) -> dict[str, str]:
    """Names of arguments that have no effect, and why.

    Args:
        model: Class of :mod:`graphlearn.models`.
        given: Arguments; the others have their defaults.
    """
    defaults = {name: parameter.default for name, parameter in inspect.signature(model).parameters.items()}
    return _RULES[model]({**defaults, **given})


def _orbevo(a: dict[str, Any]) -> dict[str, str]:
    idle = {}
    if not a["num_density_blocks"]:
        idle["density_lmax"] = "there is no block with density interaction (num_density_blocks)"
    if not a["independent_particles"]:
        idle["source_scale"] = "independent_particles is off"
    if not a["num_density_blocks"] and not a["num_blocks"]:
        idle |= dict.fromkeys(("ffn_channels", "alpha_dropout", "path_dropout"), "there is no block")
    if a["pool_states"] and a["num_blocks"] < 2:
        idle["pool_states"] = "there is no pair of plain blocks to pool between (num_blocks)"
    return idle


def _response_orbevo(a: dict[str, Any]) -> dict[str, str]:
    return {} if a["num_blocks"] else dict.fromkeys(("heads", "activation"), "there is no block (num_blocks)")


def _protein_rpn(a: dict[str, Any]) -> dict[str, str]:
    idle = {}
    if not a["proposal"]:
        idle["hops"] = "proposal is off"
    if not a["proposal"] and not a["node_drop"]:
        idle["hidden"] = "proposal and node_drop are off"
    if not a["node_drop"]:
        idle["keep_ratio"] = "node_drop is off"
    if a["cone"] and not a["node_drop"] and not a["functional_attention"]:
        idle["cone"] = "node_drop and functional_attention are off"
    if not a["functional_attention"]:
        if a["readout"] not in ("gmt", "history"):
            idle["heads"] = f"functional_attention is off and the readout {a['readout']} has none"
        elif "heads" in (a["readout_options"] or {}):
            idle["heads"] = "functional_attention is off and readout_options has heads of its own"
    if not a["sequence_layers"]:
        idle["kernel_size"] = "sequence_layers is 0"
    return idle


_RULES: dict[type, Rules] = {OrbEvo: _orbevo, ResponseOrbEvo: _response_orbevo, ProteinRPN: _protein_rpn}
