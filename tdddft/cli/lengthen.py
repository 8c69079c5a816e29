"""``tdddft lengthen``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.cli.signals import stop_on_signals
from graphlearn.base.device import DEVICE_HELP, find_device
from graphlearn.base.errors import InputError, StoppedError


def lengthen(
    file: Annotated[Path, typer.Argument(help="a trajectory file")],
    steps: Annotated[int, typer.Option(min=1, help="steps of the whole trajectory")],
    target: Annotated[
        Path | None, typer.Option("--out", "-o", help="where the longer one is written; default: in place")
    ] = None,
    device: Annotated[str, typer.Option(help=f"where to propagate, cpu by default: {DEVICE_HELP}")] = "cpu",
) -> None:
    """Lengthen a finished trajectory: it goes on from its last state.

    Those of a data set are lengthened by 'tdddft generate FOLDER/recipe.yaml --out FOLDER --set propagation.steps=N'.

    Example: tdddft lengthen water.h5 --steps 2000
    """
    target = target or file
    root = target.resolve().parent.parent
    if target.resolve().parent.name == "trajectories" and (root / "recipe.yaml").is_file():
        raise InputError(
            f"{target} belongs to the data set {root}, whose index holds its checksum: lengthen that with 'tdddft "
            f"generate {root / 'recipe.yaml'} --out {root} --set propagation.steps={steps}', or choose another --out"
        )
    from tdddft.propagation.lengthen import lengthen as lengthened
    from tdddft.trajectory import write_trajectory

    checkpoint = target.with_name(target.name + ".unfinished")
    with progress("steps", steps) as show, stop_on_signals() as stop:
        try:
            longer = lengthened(
                file, steps, checkpoint=checkpoint, stop=stop, progress=lambda now, _: show(now, "", now / steps),
                device=find_device(device),
            )  # fmt: skip
        except StoppedError:
            stop.exit()
    write_trajectory(target, longer)
    checkpoint.unlink(missing_ok=True)
    out.print(f"{len(longer.times_fs)} frames to {longer.times_fs[-1]:.4g} fs in {target}", markup=False)
