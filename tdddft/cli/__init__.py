"""The command ``tdddft``: one file a sub-command."""

from __future__ import annotations

import typer

from tdddft.cli.density import density
from tdddft.cli.generate import generate
from tdddft.cli.observe import observe
from tdddft.cli.show import show
from tdddft.cli.spectrum import spectrum
from tdddft.cli.status import status
from tdddft.cli.validate import validate

app = typer.Typer(
    name="tdddft",
    help="Real-time TDDFT of small molecules: generate trajectories, check them, analyse them, look at them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (generate, status, validate, spectrum, observe, density, show):
    app.command()(command)


def main() -> None:
    """Entry point of the console script."""
    from tdddft.cli.shell import run

    run(app)
