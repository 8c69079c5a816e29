"""The command ``graphlearn``: one file per sub-command."""

from __future__ import annotations

from graphlearn.base.cli.app import make_app
from graphlearn.cli.compare import compare
from graphlearn.cli.datasets import datasets
from graphlearn.cli.demo import demo
from graphlearn.cli.doctor import doctor
from graphlearn.cli.evaluate import evaluate
from graphlearn.cli.fetch import fetch
from graphlearn.cli.models import models
from graphlearn.cli.predict import predict
from graphlearn.cli.rollout import rollout
from graphlearn.cli.statistics import statistics
from graphlearn.cli.train import train

app = make_app(
    "graphlearn",
    "Graph learning for molecules and proteins: electrons in time (ResponseOrbEvo, OrbEvo), functions of proteins "
    "(ProteinRPN), and a readout for any graph network (HISTOGRAPH).",
    (doctor, models, datasets, demo, train, compare, evaluate, rollout, fetch, predict, statistics),
)
