"""Models by name: our own, those of installed packages, and code of one's own only where it is allowed."""

from __future__ import annotations

import inspect
import sys

import pytest

from graphlearn.base.errors import InputError
from graphlearn.models import HistographGNN, OrbEvo, OrbitalModel, ProteinRPN, ResponseOrbEvo
from graphlearn.models.registry import find_model, known_models, model_name

LITTLE = {
    OrbEvo: {"channels": 8, "heads": 2, "num_density_blocks": 0, "num_blocks": 1, "num_radial": 8},
    ResponseOrbEvo: {"channels": 8, "heads": 2, "auxiliary": [2, 1]},
    HistographGNN: {"in_channels": 3, "out_channels": 2, "channels": 8, "num_layers": 1},
    ProteinRPN: {"in_channels": 6, "num_terms": 3, "channels": 8, "hidden": 4},
}
MODULE = """
open({trace!r}, "w").close()
from graphlearn.models import OrbEvo
class MyOrbEvo(OrbEvo):
    pass
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A module that leaves a trace where it is imported, and an installed package that offers its class."""
    trace, name = tmp_path / "imported", f"outside_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE.format(trace=str(trace)))
    info = tmp_path / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[graphlearn.models]\nMyOrbEvo = {name}:MyOrbEvo\nOrbEvo = {name}:MyOrbEvo\nbroken = {name}:Absent\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name, trace
    sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", LITTLE, ids=lambda kind: kind.__name__)
def test_every_argument_of_a_model_is_in_its_config_and_builds_it_again(kind):
    model = kind(**LITTLE[kind])
    assert list(model.config) == list(inspect.signature(kind).parameters)
    again = kind(**model.config)
    assert again.config == model.config
    assert {name: w.shape for name, w in again.state_dict().items()} == {
        name: w.shape for name, w in model.state_dict().items()
    }
    for name, value in LITTLE[kind].items():
        assert model.config[name] == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("kind", LITTLE, ids=lambda kind: kind.__name__)
def test_our_models_are_found_by_the_name_of_their_class(kind):
    assert find_model(kind.__name__, kind) is kind
    assert model_name(kind) == kind.__name__


def test_a_class_of_an_installed_package_is_found_and_ours_are_not_replaced(package):
    name, trace = package
    assert known_models() == ["OrbEvo", "ResponseOrbEvo", "HistographGNN", "ProteinRPN", "MyOrbEvo", "broken"]
    assert find_model("OrbEvo", OrbitalModel) is OrbEvo
    assert not trace.exists()
    found = find_model("MyOrbEvo", OrbitalModel)
    assert (found.__module__, model_name(found)) == (name, "MyOrbEvo")


def test_code_of_ones_own_runs_only_where_it_is_allowed(package):
    name, trace = package
    with pytest.raises(InputError, match="only with --allow-code"):
        find_model(f"{name}:MyOrbEvo", OrbitalModel)
    assert not trace.exists()
    assert find_model(f"{name}:MyOrbEvo", OrbitalModel, allow_code=True).__name__ == "MyOrbEvo"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("OrbEv", "unknown model class 'OrbEv'; did you mean 'OrbEvo'"),
        ("ProteinRPN", "ProteinRPN: not a class that derives from graphlearn.models.orbital_model.OrbitalModel"),
        ("os:system", "os:system: not a class that derives from"),
        ("no_such_package:Model", "cannot import no_such_package:Model"),
        ("broken", "model class broken: cannot import"),
        ("a b:c d", "cannot import"),
    ],
)
def test_names_of_no_orbital_model_are_refused(package, name, message):
    with pytest.raises(InputError, match=message):
        find_model(name, OrbitalModel, allow_code=True)
