"""An option of a command that would have no effect is an error; it is said before anything is read."""

from pathlib import Path

import pytest

from graphlearn.base.errors import InputError
from graphlearn.cli.evaluate import evaluate
from graphlearn.cli.predict import predict
from graphlearn.cli.rollout import rollout
from tdddft.cli.spectrum import spectrum
from tdddft.cli.status import status
from tdddft.cli.validate import validate

NOWHERE = Path("nowhere")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: validate(NOWHERE, jobs=2), "--jobs has no effect without --repair"),
        (lambda: validate(NOWHERE / "file.h5", repair=True), "--repair makes trajectories of a data-set folder again"),
        (lambda: status(NOWHERE, watch=True, as_json=True), "leave out --watch"),
        (lambda: spectrum([NOWHERE], roots=5), "--roots and --check-tolerance-ev have no effect without --check"),
        (lambda: spectrum([NOWHERE], check_tolerance_ev=0.1), "have no effect without --check"),
        (lambda: predict([NOWHERE], weights="x", ontology="mf"), "--ontology has no effect with --weights"),
        (lambda: evaluate("orbevo/qm9", data=NOWHERE, part="test"), "--part: no effect on this model"),
        (lambda: evaluate("orbevo/qm9", data=NOWHERE, residues=True), "--residues: no effect"),
        (lambda: evaluate("orbevo/qm9", data=NOWHERE, profiles=False), "--profiles: no effect"),
        (lambda: evaluate("protein_rpn/ec", limit=3), "--limit: no effect on this model"),
        (lambda: rollout("a.h5", NOWHERE, strength=2.0), "a trajectory file brings its own field"),
    ],
)
def test_an_option_without_effect_is_an_error(call, message):
    with pytest.raises(InputError, match=message):
        call()
