"""``graphlearn rollout``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdddft.cli.shell import out


def rollout(
    trajectory: Annotated[Path, typer.Argument(help="trajectory file: gives the ground state and the field")],
    model: Annotated[Path, typer.Option(help="model folder")],
    out_file: Annotated[Path, typer.Option("--out", "-o", help="predicted trajectory, .h5")],
) -> None:
    """Predict a trajectory and write it as a file that every tdddft command reads.

    Example: graphlearn rollout runs/small/trajectories/H2O_d0.h5 --model runs/model --out water.h5
    """
    from graphlearn.datasets import OrbitalTrajectory
    from graphlearn.datasets.gauge import predicted_trajectory
    from graphlearn.training.checkpoint import load_orbevo
    from graphlearn.training.rollout import rollout as roll_out
    from tdddft.errors import InputError
    from tdddft.provenance import package_versions
    from tdddft.trajectory import read_trajectory, write_trajectory

    if out_file.resolve() == trajectory.resolve():
        raise InputError(f"{out_file} is the trajectory itself; choose another --out")
    given = read_trajectory(trajectory)
    network, normalizer, facts = load_orbevo(model)
    item = OrbitalTrajectory.from_trajectory(given, cutoff_angstrom=network.cutoff_angstrom, shells=network.shells)
    (delta,) = roll_out(network, normalizer, [item])
    provenance = {"versions": package_versions(), "model": facts["class"], "recipe": facts["recipe"]["name"]}
    predicted = predicted_trajectory(item.delta_from_slots(delta, given), given, provenance)
    out.print(f"wrote {write_trajectory(out_file, predicted)}")
