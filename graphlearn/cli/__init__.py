"""The command ``graphlearn``: one file a sub-command."""

from __future__ import annotations

import typer

from graphlearn.cli.compare import compare
from graphlearn.cli.datasets import datasets
from graphlearn.cli.demo import demo
from graphlearn.cli.doctor import doctor
from graphlearn.cli.evaluate import evaluate
from graphlearn.cli.models import models
from graphlearn.cli.rollout import rollout
from graphlearn.cli.statistics import statistics
from graphlearn.cli.train import train

app = typer.Typer(
    name="graphlearn",
    help="Graph learning for molecules and proteins: train OrbEvo on TDDFT trajectories; train and compare readouts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (doctor, models, datasets, demo, train, compare, evaluate, rollout, statistics):
    app.command()(command)


def main() -> None:
    """Entry point of the console script."""
    from tdddft.cli.shell import run

    run(app)
