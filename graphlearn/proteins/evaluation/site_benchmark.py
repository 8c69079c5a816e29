"""How well a predictor finds the residues of known sites, beside other ways to find them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from graphlearn.models import ProteinRPN
from graphlearn.nn.region import anchor_regions
from graphlearn.proteins.data.protein_go import ProteinGO
from graphlearn.proteins.data.site_split import read_sites, split_sites
from graphlearn.proteins.data.sites import SiteMask, read_interface_residues
from graphlearn.proteins.data.training_data import ProteinTrainingData
from graphlearn.proteins.metrics.localisation import Localisation, localise
from graphlearn.proteins.prediction.attribution import attribution, grad_cam
from graphlearn.proteins.recipe import ProteinRecipe
from graphlearn.training.task import device_of

TERMS = 3
RANDOM_ANCHORS = 5
INTERFACES = "ppbs_interface_labels.tsv.gz"
METHODS = {
    "objectness": "objectness", "mask": "proposal mask", "mask and conservation": "proposal mask × conservation",
    "attribution": "gradient × input in the mask", "grad_cam": "Grad-CAM", "conservation": "conservation",
    "accessibility": "accessibility", "random anchors": "random anchors",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class KnownSites:
    """Chains whose sites are known and were not used for training.

    Attributes:
        data: All chains.
        sites: By kind of site, then by chain.
    """

    data: ProteinGO
    sites: Mapping[str, Mapping[str, SiteMask]]

    @property
    def chains(self) -> list[str]:
        """All chains of any kind."""
        return sorted({chain for masks in self.sites.values() for chain in masks})


def held_out_sites(recipe: ProteinRecipe, data: ProteinTrainingData, part: str = "test") -> KnownSites | None:
    """Catalytic, binding and interface residues of the chains that are not used to train objectness.

    Args:
        recipe: Names the tables and the split of the sites.
        data: Of the recipe; the clusters of its validation and test chains are held out as in training.
        part: Of the split of the sites.

    Returns:
        Known sites by kind; None where the data have none, as structure files of a user's own.

    Raises:
        InputError: if tables are missing or damaged.
    """
    if recipe.data.kind != "tables":
        return None
    every, folder = data.data.unlabelled(), recipe.data.folder
    available = frozenset(every.chains)
    lengths = dict(zip(every.store.names, every.store.lengths.tolist(), strict=True))
    tables = {
        kind: {
            chain: SiteMask(np.any([m.site for m in masks], 0), np.all([m.known for m in masks], 0))
            for chain, masks in read_sites(folder, (kind,), lengths).items()
        }
        for kind in ("catalytic", "binding")
    }
    tables["interface"] = read_interface_residues(folder / INTERFACES, lengths)
    kept = {}
    for kind, masks in tables.items():
        split = split_sites(folder, available & masks.keys(), data.held_out_chains, recipe.sites)
        kept[kind] = {chain: masks[chain] for chain in split._asdict()[part]}
    return KnownSites(every, kept)


def site_benchmark(
    model: ProteinRPN, known: KnownSites, *, on_chain: Callable[[int], object] = lambda _: None
) -> dict[str, dict[str, Localisation]]:
    """Agreement of each method's scores with each kind of site; Grad-CAM and attribution are those of the same model.

    Args:
        model: In evaluation mode, on any device.
        known: From :func:`held_out_sites`.
        on_chain: Called with the number of finished chains.

    Returns:
        By kind of site, then by method.
    """
    scores: dict[str, dict[str, np.ndarray]] = {method: {} for method in METHODS}
    for number, name in enumerate(known.chains, start=1):
        for method, values in residue_scores(model, known.data, name).items():
            scores[method][name] = values
        on_chain(number)
    return {
        kind: {method: localise(of_chains, masks)[0] for method, of_chains in scores.items() if of_chains}
        for kind, masks in known.sites.items()
    }


def residue_scores(model: ProteinRPN, data: ProteinGO, name: str) -> dict[str, np.ndarray]:
    """Scores of the residues of a chain by every method.

    Attribution and Grad-CAM explain the three terms that the model finds likeliest, whatever the labels say. A model
    without proposals has no objectness and no mask, a chain without a profile no conservation.

    Args:
        model: In evaluation mode, on any device.
        data: Holds the chain, with L residues.
        name: Of the chain.

    Returns:
        Float64 [L] by method.
    """
    graph, chain = data.graph(name).to(device_of(model)), data.chain(name)
    with torch.no_grad():
        output = model(graph)
    terms = output.logits[0].topk(min(TERMS, model.num_terms)).indices.tolist()
    found = {
        "attribution": _numbers(attribution(model, graph, terms).sum(0)),
        "grad_cam": _numbers(grad_cam(model, graph, terms).sum(0)),
        "accessibility": np.nan_to_num(chain.accessibility.astype(float), nan=0.0),
        "random anchors": _random_anchors(graph.edge_index.cpu(), len(chain), model.hops, zlib.crc32(name.encode())),
    }
    if output.proposal is not None:
        found["objectness"] = _numbers(output.proposal.objectness_logits)
        found["mask"] = _numbers(output.proposal.mask)
    if chain.profile is not None:
        found["conservation"] = conservation(chain.profile)
        if "mask" in found:
            found["mask and conservation"] = found["mask"] * found["conservation"]
    return found


def conservation(profile: np.ndarray) -> np.ndarray:
    r"""Information of each residue's profile [L, 20], :math:`\sum_a p_a \log_2 (20\, p_a)` bits, float [L]."""
    share = profile / np.maximum(profile.sum(1, keepdims=True), 1e-9)
    return np.asarray((share * np.log2(np.maximum(20 * share, 1e-9))).sum(1))


def _numbers(scores: torch.Tensor) -> np.ndarray:
    return np.asarray(scores.double().cpu().numpy())


def _random_anchors(edge_index: torch.Tensor, length: int, hops: int, seed: int) -> np.ndarray:
    """How many of a few random anchors hold each residue."""
    generator = torch.Generator().manual_seed(seed)
    anchors = torch.randperm(length, generator=generator)[:RANDOM_ANCHORS]
    nodes = anchor_regions(edge_index, anchors, num_nodes=length, hops=hops).nodes
    return np.asarray(torch.bincount(nodes, minlength=length).double().numpy())
