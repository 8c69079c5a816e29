"""``graphlearn rollout``"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlearn.base.cli.shell import out
from graphlearn.base.device import DEVICE_HELP
from graphlearn.cli.train import CLASS_HELP

if TYPE_CHECKING:
    from graphlearn.orbitals.model_folder import OrbitalCard
    from tdddft.trajectory import Trajectory


def rollout(
    molecule: Annotated[
        str, typer.Argument(help="molecule (xyz file, smiles:CCO, g2:H2O, ...) or trajectory file, .h5")
    ],
    out_file: Annotated[Path, typer.Option("--out", "-o", help="predicted trajectory, .h5")],
    weights: Annotated[
        str, typer.Option("--weights", "-w", help="model folder, or a model that comes with the package")
    ] = "orbevo/qm9",
    direction: Annotated[
        tuple[float, float, float] | None, typer.Option(help="direction of the field; default: as in training")
    ] = None,
    strength: Annotated[float, typer.Option(help="field strength, as a multiple of that in training")] = 1.0,
    frames: Annotated[int | None, typer.Option(min=2, help="frames to predict; default: as in training")] = None,
    figure: Annotated[Path | None, typer.Option(help="write dipole and absorption as a figure here")] = None,
    model_class: Annotated[str | None, typer.Option("--model-class", help=CLASS_HELP)] = None,
    device: Annotated[str, typer.Option(help=f"of the rollout: {DEVICE_HELP}")] = "auto",
) -> None:
    """Predict how the orbitals of a molecule move, and write it as a file that every tdddft command reads.

    Of a molecule the ground state is solved first, at the level of theory of the training set.

    Example: graphlearn rollout smiles:CCO --out ethanol.h5 --figure ethanol.png
    """
    from graphlearn.base.device import find_device
    from graphlearn.base.errors import InputError
    from graphlearn.base.plain_files import file_hash
    from graphlearn.base.plotting import save_figure
    from graphlearn.base.provenance import package_versions
    from graphlearn.datasets import OrbitalTrajectory
    from graphlearn.orbitals.data.target import predicted_trajectory
    from graphlearn.orbitals.figures import prediction_figure
    from graphlearn.orbitals.model_folder import load_orbital_model
    from graphlearn.orbitals.rollout import Rollout, bundle_disagreement
    from graphlearn.training.packaged import model_folder
    from tdddft.trajectory import Provenance, read_trajectory, write_trajectory

    place = find_device(device)
    given: Trajectory | None = None
    if molecule.endswith((".h5", ".hdf5")):
        if out_file.resolve() == Path(molecule).resolve():
            raise InputError(f"{out_file} is the trajectory itself; choose another --out")
        if direction is not None or strength != 1.0:
            raise InputError("a trajectory file brings its own field; give a molecule with --direction and --strength")
        given = read_trajectory(molecule)
    folder = model_folder(weights)
    network, normalizer, card = load_orbital_model(folder, model_class)
    if given is None:
        given = ground_state_in_training_field(molecule, card, direction, strength)
    item = OrbitalTrajectory.from_trajectory(given, **network.geometry)
    _warn_of_elements(given, card)
    started = time.perf_counter()
    roll = Rollout(network.to(place), normalizer)
    (delta,) = roll([item], frames=frames)
    seconds = time.perf_counter() - started
    provenance = Provenance(
        versions=package_versions(), model=card.model_class, recipe=card.recipe["name"],
        weights_sha256=file_hash(folder / "model.safetensors"),
    )  # fmt: skip
    predicted = predicted_trajectory(item.layout.delta_from_slots(delta), given, provenance)
    out.print(f"{delta.shape[-2] - 1} frames of {delta.shape[1]} orbitals in {seconds:.1f} s")
    if not network.any_number_of_frames and network.num_frames > 1:
        (other,) = roll([item], frames=frames, first_bundle=network.num_frames // 2)
        share = bundle_disagreement(delta, other).norm() / delta.norm().clamp_min(1e-30)
        out.print(
            f"two rollouts with other borders between bundles differ by {100 * share:.0f} %; expect no less error"
        )
    out.print(f"wrote {write_trajectory(out_file, predicted)}", soft_wrap=True)
    if figure is not None:
        out.print(f"wrote {save_figure(prediction_figure(predicted), figure)}", soft_wrap=True)


def ground_state_in_training_field(
    source: str, card: OrbitalCard, direction: tuple[float, float, float] | None, strength: float
) -> Trajectory:
    """The ground state of a molecule and the field of the training set, turned and scaled."""
    from tdddft import free_evolution, ground_state

    known = card.settings
    field, method = known.field_with(direction, strength), known.method
    started = time.perf_counter()
    state = ground_state(source, method)
    out.print(f"ground state of {state.molecule.name} in {time.perf_counter() - started:.1f} s")
    return free_evolution(state, field, known.steps, known.dt_fs, save_every=known.save_every)


def _warn_of_elements(given: Trajectory, card: OrbitalCard) -> None:
    from tdddft.molecules.molecule import SYMBOLS

    known = (card.simulation or {}).get("elements")
    strangers = sorted({int(z) for z in given.numbers} - set(known or given.numbers.tolist()))
    if strangers:
        names = ", ".join(SYMBOLS[z] for z in strangers)
        out.print(f"the model never saw {names}; do not trust this prediction", style="yellow")
