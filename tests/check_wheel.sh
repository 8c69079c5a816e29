#!/usr/bin/env bash
# The wheel holds the recipes, works from a folder that is not the checkout, and needs none of the extras for layers and models.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout="$PWD"
bin="$checkout/.venv/bin"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
isolation="$("$bin/python" -c 'import hatchling' 2>/dev/null && echo --no-build-isolation || true)"
"$bin/pip" wheel -q --disable-pip-version-check --no-deps $isolation -w "$folder/dist" .
"$bin/pip" install -q --disable-pip-version-check --no-deps --target "$folder/site" "$folder"/dist/graphlearn-*.whl
cd "$folder"
PYTHONPATH="$folder/site" "$bin/python" - <<'PY'
from pathlib import Path

import graphlearn
import tdddft
from graphlearn.training.packaged import model_folder, model_recipe
from graphlearn.orbitals.model_folder import load_orbital_model
from graphlearn.base.recipes.packaged import packed_folder
from graphlearn.proteins.prediction.predictor import ProteinPredictor
from tdddft.dataset.packaged import find_recipe

site = Path(graphlearn.__file__).parent.parent
assert site.name == "site", site
assert Path(tdddft.__file__).parent.parent == site
for path in (find_recipe("tddft_g2"), find_recipe("tddft_demo"), model_recipe("orbevo/demo"), model_recipe("histograph/mutag"), packed_folder("datasets") / "tu/MUTAG.json"):
    assert path is not None and path.is_file() and site in path.parents, path
for name in ("orbevo/malonaldehyde", "orbevo/qm9"):
    assert site in model_folder(name).parents
    load_orbital_model(model_folder(name))
for name in ("protein_rpn/ec", "protein_rpn/mf"):
    assert site in model_folder(name).parents
    assert ProteinPredictor(name).homologues is not None
assert (site / "graphlearn/proteins/prediction/assets/protein.html").is_file() and (site / "graphlearn/proteins/prediction/assets/3dmol/3Dmol-min.js").is_file()
assert (site / "graphlearn/py.typed").is_file() and (site / "tdddft/py.typed").is_file()
print("wheel: recipes, weights and packages are complete")
PY
python3 -m venv "$folder/light"
"$folder/light/bin/pip" install -q --disable-pip-version-check -c "$checkout/constraints.txt" torch==2.13.0 "$folder"/dist/graphlearn-*.whl
"$folder/light/bin/python" "$checkout/tests/light_installation.py"
