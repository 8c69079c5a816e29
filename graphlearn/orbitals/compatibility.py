"""Do a model and a trajectory fit together?"""

from __future__ import annotations

from graphlearn.base.errors import InputError
from graphlearn.models import OrbitalModel
from graphlearn.orbitals.data.batch import Normalizer
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory


def check_fits(model: OrbitalModel, normalizer: Normalizer, trajectory: OrbitalTrajectory, bundles: int = 1) -> None:
    """InputError where the frames or field samples of a trajectory are not those that the model was built for.

    Args:
        model: The model.
        normalizer: Its units.
        trajectory: Whole, a window, or a ground state.
        bundles: Predicted bundles that the trajectory must hold at least.
    """
    t = trajectory
    samples = 2 * model.num_frames * t.samples_per_frame
    if model.field_samples != samples:
        raise InputError(
            f"{t.name}: {model.num_frames} frames before and after hold {samples} field samples, the model takes "
            f"{model.field_samples}; set model.field_samples={samples}"
        )
    if t.num_frames <= bundles * model.num_frames:
        what = f"{bundles} bundles" if bundles > 1 else "bundles"
        raise InputError(f"{t.name}: {t.num_frames} frames are too few for {what} of {model.num_frames}")
    if abs(t.frame_fs - normalizer.frame_fs) > 1e-6 * normalizer.frame_fs:
        raise InputError(
            f"{t.name}: frames are {t.frame_fs:g} fs apart, the model learned {normalizer.frame_fs:g} fs; "
            "generate with the same dt_fs and save_every"
        )
