"""An evaluated predictor as tables, numbers and figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from graphlearn.base.files import replace_csv, replace_text
from graphlearn.base.plotting import save_figure
from graphlearn.base.provenance import package_versions
from graphlearn.proteins.evaluation.evaluate import TermEvaluation
from graphlearn.proteins.evaluation.figures import bins_figure, reliability_figure, sites_figure
from graphlearn.proteins.evaluation.tables import bins_table, methods_table, sites_table
from graphlearn.proteins.metrics.localisation import Localisation
from graphlearn.proteins.metrics.terms import fmax

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class ProteinEvaluation:
    """Results of the evaluation of a predictor.

    Attributes:
        terms: Errors of its terms.
        sites: Agreement with known sites, by kind of site and method; empty where the data have none.
    """

    terms: TermEvaluation
    sites: Mapping[str, Mapping[str, Localisation]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "versions": package_versions(),
            "search": self.terms.search,
            "terms": self.terms.errors,
            "chains": self.terms.chains_of_bin,
            "calibration_error": self.terms.calibration_error,
            "residues": {
                kind: {method: asdict(part) for method, part in methods.items()} for kind, methods in self.sites.items()
            },
        }

    def to_markdown(self) -> str:
        """Tables of all methods, of Fmax by similarity to the training chains, and of residues."""
        parts = [methods_table(self.terms.errors["all"])]
        if len(self.terms.errors) > 1:
            parts.append(bins_table(self.terms.errors, self.terms.chains_of_bin))
        if self.sites:
            parts.append(sites_table(self.sites))
        return "\n\n".join(parts)

    def write(self, out: Path) -> Iterator[Path]:
        """Write the tables, the numbers, one line per chain, and the figures.

        Args:
            out: Folder; made if it is not there.

        Yields:
            Each path once it is written.
        """
        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / "tables.md", self.to_markdown() + "\n")
        yield out / "tables.md"
        replace_text(out / "errors.json", json.dumps(self.to_dict(), indent=2))
        yield out / "errors.json"
        header = ["chain", "terms", *(f"best_f_{method.replace(' ', '_')}" for method in self.terms.scores)]
        yield replace_csv(out / "chains.csv", header, _best_of_chains(self.terms))
        yield save_figure(bins_figure(self.terms.errors, self.terms.chains_of_bin), out / "fmax.png")
        yield save_figure(reliability_figure(self.terms), out / "calibration.png")
        if self.sites:
            yield save_figure(sites_figure(self.sites), out / "residues.png")


def _best_of_chains(found: TermEvaluation) -> Iterator[list[object]]:
    """Best F of each chain alone, by method: which chains are hard."""
    for row, chain in enumerate(found.chains):
        truth = found.labels[row : row + 1]
        if truth.any():
            best = (fmax(scores[row : row + 1], truth).value for scores in found.scores.values())
            yield [chain, int(truth.sum()), *(f"{value:.4f}" for value in best)]
