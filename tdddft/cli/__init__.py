"""The command ``tdddft``: one file per sub-command."""

from __future__ import annotations

from graphlearn.base.cli.app import make_app
from tdddft.cli.absorption import absorption
from tdddft.cli.density import density
from tdddft.cli.generate import generate
from tdddft.cli.harmonics import harmonics
from tdddft.cli.lengthen import lengthen
from tdddft.cli.observe import observe
from tdddft.cli.show import show
from tdddft.cli.spectrum import spectrum
from tdddft.cli.status import status
from tdddft.cli.transient import transient
from tdddft.cli.transitions import transitions
from tdddft.cli.validate import validate

app = make_app(
    "tdddft",
    "Real-time TDDFT of small molecules: generate trajectories, check them, analyse them, look at them.",
    (
        generate,
        lengthen,
        absorption,
        status,
        validate,
        spectrum,
        transitions,
        harmonics,
        transient,
        observe,
        density,
        show,
    ),
)
