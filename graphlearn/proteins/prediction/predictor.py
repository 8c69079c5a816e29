"""Terms of chains without labels, with the residues and the similar chains that they rest on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from graphlearn.base.device import find_device
from graphlearn.base.errors import ContractError
from graphlearn.base.plain_files import file_hash
from graphlearn.models import ProteinRPN
from graphlearn.nn.losses.true_path import propagate_to_ancestors
from graphlearn.nn.region import anchor_regions, non_maximum_suppression
from graphlearn.proteins.graph import contact_graph, with_embedding
from graphlearn.proteins.prediction.attribution import attribution
from graphlearn.proteins.prediction.decision import DecisionRule
from graphlearn.proteins.prediction.homology import HOMOLOGUES, Homologues, SimilarChain
from graphlearn.proteins.sequence.embeddings import EsmEmbedder
from graphlearn.proteins.structure.chain import ProteinChain
from graphlearn.proteins.structure.chain_cache import content_key
from graphlearn.training.checkpoint import load_model
from graphlearn.training.packaged import model_folder

SHORTEST = 60
LOW_PLDDT = 70.0
RESIDUES_OF_A_TERM = 10
REGIONS = 5
MODEL_FILES = ("model.json", "model.safetensors", HOMOLOGUES)


class PredictedTerm(NamedTuple):
    """A term of a chain.

    Attributes:
        id: Of the term.
        name: In words; may be empty.
        probability: Calibrated, ancestors closed.
        residues: Those it is most attributed to, by chain and author's number, the strongest first.
        weights: Attribution of the term to each residue of the chain, the strongest 1.
    """

    id: str
    name: str
    probability: float
    residues: tuple[str, ...]
    weights: tuple[float, ...]


class ProposedRegion(NamedTuple):
    """A region that the network proposes.

    Attributes:
        anchor: Residue in its middle.
        score: Its objectness, 0 to 1.
        residues: Its residues, those of the highest mask first.
    """

    anchor: str
    score: float
    residues: tuple[str, ...]


class ProteinPrediction(NamedTuple):
    """What is predicted for a chain.

    Attributes:
        chain: Its name.
        length: Its residues.
        terms: At or above the threshold, the likeliest first.
        regions: Proposed, the best first; none for a model without proposals.
        residue_ids: Chain, author's number and insertion code of every residue.
        mask: Soft membership of the proposed regions of every residue; empty for a model without proposals.
        secondary: DSSP's letter of every residue.
        secondary_source: Where secondary structure came from.
        similar: The training chain that is most like this one, its identity, and the program that found it; None
            without one, or where similar chains are left out.
        warnings: Why to doubt the prediction.
    """

    chain: str
    length: int
    terms: tuple[PredictedTerm, ...]
    regions: tuple[ProposedRegion, ...]
    residue_ids: tuple[str, ...]
    mask: tuple[float, ...]
    secondary: str
    secondary_source: str
    similar: SimilarChain | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, by the names of the attributes."""
        return {
            **self._asdict(),
            "terms": [term._asdict() for term in self.terms],
            "regions": [region._asdict() for region in self.regions],
            "similar": self.similar and self.similar._asdict(),
        }


class ProteinPredictor:
    """A model folder, read: the network with its terms, its decision rule and the training chains for comparison.

    Args:
        weights: Folder of a model, or the name of one that comes with the package, as ``protein_rpn/mf``.
        network_only: Leave similar training chains out.
        device: Where the network computes: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        InputError: for an unknown name, a model of another class, or a device that cannot be used.
        ContractError: for a damaged model.
    """

    def __init__(self, weights: str | os.PathLike[str], *, network_only: bool = False, device: str = "auto") -> None:
        self.device = find_device(device)
        self.folder = Path(model_folder(os.fspath(weights)))
        model, self.card = load_model(self.folder, ProteinRPN)
        self.model = model.to(self.device)
        self.homologues = None if network_only else Homologues.load(self.folder)
        try:
            self.rule = DecisionRule.from_dict(self.card.content.get("decision", {}))
            self.ontology, self.cutoff_angstrom = str(self.card["ontology"]), float(self.card["cutoff_angstrom"])
            self.terms: list[tuple[str, str]] = [(str(term["id"]), str(term["name"])) for term in self.card["terms"]]
            self.parents = torch.tensor(self.card["parents"], dtype=torch.long).reshape(-1, 2).T
            esm = self.card["recipe"]["data"].get("esm")
        except (KeyError, TypeError, ValueError) as error:
            raise ContractError(f"{self.folder}: damaged model ({error}); copy or train it again") from None
        self.embed = None if esm is None else EsmEmbedder(esm)

    @property
    def fingerprint(self) -> str:
        """Hash of the files of the model."""
        files = (f for f in sorted(self.folder.glob("*")) if f.name in MODEL_FILES)
        return content_key({file.name: file_hash(file) for file in files})

    @property
    def threshold(self) -> float:
        """Probability of the best Fmax on the validation chains."""
        return self.rule.network_threshold if self.homologues is None else self.rule.combined_threshold

    def predict(
        self, chain: ProteinChain, *, threshold: float | None = None, top: int | None = None
    ) -> ProteinPrediction:
        """Predict the terms of a chain.

        Args:
            chain: Of a structure file (``graphlearn.proteins.read_structure``).
            threshold: Least probability; :attr:`threshold` by default.
            top: Only so many terms.

        Returns:
            Terms, residues and regions.
        """
        graph = contact_graph(chain, self.cutoff_angstrom)
        if self.embed is not None:
            graph = with_embedding(graph, self.embed(chain.sequence))
        graph = graph.to(self.device)
        with torch.no_grad():
            output = self.model(graph)
        probabilities = self.probabilities(output.logits.cpu().numpy(), [chain])[0]
        least = self.threshold if threshold is None else threshold
        chosen = [t for t in np.argsort(-probabilities, kind="stable").tolist() if probabilities[t] >= least][:top]
        scores = attribution(self.model, graph, chosen)
        terms = tuple(
            PredictedTerm(term, name, float(probabilities[t]), _strongest(row, chain), _relative(row))
            for t, (term, name), row in zip(chosen, (self.terms[t] for t in chosen), scores, strict=True)
        )
        regions: tuple[ProposedRegion, ...] = ()
        mask: tuple[float, ...] = ()
        if output.proposal is not None:
            mask = tuple(output.proposal.mask.tolist())
            objectness = output.proposal.objectness_logits.sigmoid()
            ego = anchor_regions(graph.edge_index, num_nodes=len(chain), hops=self.model.hops)
            regions = tuple(
                ProposedRegion(chain.residue_ids[r.anchor], r.score, _ids(chain, r.residues))
                for r in non_maximum_suppression(objectness, ego, output.proposal.mask, keep=REGIONS)
            )
        similar = None if self.homologues is None else self.homologues.nearest(chain.sequence)
        return ProteinPrediction(
            chain.name, len(chain), terms, regions, chain.residue_ids, mask, chain.secondary, chain.secondary_source,
            similar, _doubts(chain),
        )  # fmt: skip

    def probabilities(self, logits: np.ndarray, chains: Sequence[ProteinChain]) -> np.ndarray:
        """Calibrated probabilities, ancestors closed.

        Args:
            logits: Of the network, float [N, T].
            chains: N of them, whose similar training chains count too.

        Returns:
            Float64 [N, T].
        """
        found = self.rule.network(logits)
        if self.homologues is not None:
            similar = self.homologues.transfer({chain.name: chain.sequence for chain in chains})
            found = self.rule.combined(logits, similar)
        return np.asarray(propagate_to_ancestors(torch.from_numpy(found), self.parents).numpy())


def _ids(chain: ProteinChain, rows: torch.Tensor) -> tuple[str, ...]:
    return tuple(chain.residue_ids[row] for row in rows.tolist())


def _relative(scores: torch.Tensor) -> tuple[float, ...]:
    """Scores over the largest one."""
    return tuple((scores / scores.max().clamp(min=torch.finfo(scores.dtype).tiny)).tolist())


def _strongest(scores: torch.Tensor, chain: ProteinChain) -> tuple[str, ...]:
    best = torch.argsort(scores, descending=True, stable=True)[:RESIDUES_OF_A_TERM]
    return _ids(chain, best[scores[best] > 0])


def _doubts(chain: ProteinChain) -> tuple[str, ...]:
    """Why to doubt a prediction for this chain."""
    plddt = np.inf if chain.plddt is None else float(chain.plddt.mean())
    reasons = {
        f"{len(chain)} residues; the model was trained on chains of {SHORTEST} and more": len(chain) < SHORTEST,
        "no backbone: secondary structure is estimated from C-alpha positions": chain.secondary_source == "ca",
        "no side chains: solvent accessibility is not known": np.isnan(chain.accessibility).all(),
        f"mean pLDDT {plddt:.0f}: a structure of low confidence": plddt < LOW_PLDDT,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)
