"""A prediction as one HTML page with the structure in 3D, which needs no internet access and no other files."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from typing import Any

from graphlearn.proteins.prediction.predictor import ProteinPrediction
from graphlearn.proteins.structure.drawn_atoms import DrawnAtoms

SHOWN_RESIDUES = 15


def prediction_page(prediction: ProteinPrediction, file: str, atoms: DrawnAtoms) -> str:
    """The page of a chain.

    The drawing is 3Dmol.js (Rego and Koes, Bioinformatics 31, 1322, 2015), which comes with the package and stands
    inside the page.

    Args:
        prediction: Of the chain.
        file: Name of the file that it was read from.
        atoms: Of the chain and its ligands, :func:`graphlearn.proteins.structure.drawn_atoms.drawn_atoms`.

    Returns:
        The page as HTML that needs no other file.
    """
    assets = files("graphlearn.proteins.prediction") / "assets"
    content = {
        "name": prediction.chain,
        "facts": f"{prediction.length} residues; {len(prediction.terms)} terms; {file}",
        "warnings": prediction.warnings,
        "structure": atoms.text,
        "trace": prediction.secondary_source == "ca",
        "residues": prediction.residue_ids,
        "places": atoms.places,
        "ligands": atoms.ligands,
        "choices": _choices(prediction),
    }
    rest = (assets / "protein.html").read_text(encoding="utf-8")
    script = (assets / "3dmol" / "3Dmol-min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    data = json.dumps(content, allow_nan=False).replace("<", "\\u003c")
    page = ""
    for mark, value in (("__TITLE__", html.escape(prediction.chain)), ("__DATA__", data), ("__SCRIPT__", script)):
        before, _, rest = rest.partition(mark)
        page += before + value
    return page + rest


def _choices(prediction: ProteinPrediction) -> list[dict[str, Any]]:
    """What can be shown: the weights of each term, and the proposed regions."""
    found = [
        {
            "id": term.id,
            "title": f"{term.id} {term.name}".strip(),
            "value": f"{term.probability:.2f}",
            "detail": " ".join(term.residues[:SHOWN_RESIDUES]),
            "weights": [round(weight, 3) for weight in term.weights],
        }
        for term in prediction.terms
    ]
    if prediction.mask:
        best = prediction.regions[0] if prediction.regions else None
        low, high = min(prediction.mask), max(prediction.mask)
        found.append({
            "id": "regions",
            "title": "proposed regions",
            "value": f"{best.score:.2f}" if best else "",
            "detail": " ".join(best.residues[:SHOWN_RESIDUES]) if best else "",
            "weights": [round((weight - low) / max(high - low, 1e-9), 3) for weight in prediction.mask],
        })  # fmt: skip
    return found
