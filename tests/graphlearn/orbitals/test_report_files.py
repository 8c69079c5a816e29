"""Files of an evaluation lie in its folder, whatever the ids of the data set are."""

import hashlib

from graphlearn.orbitals.baselines import zero
from graphlearn.orbitals.data.target import to_delta
from graphlearn.orbitals.evaluate import FROZEN, EvaluatedTrajectory, Prediction, prediction_errors
from graphlearn.orbitals.evaluated_set import summarise
from graphlearn.orbitals.report import write_report
from tdddft import read_trajectory


def test_predictions_are_written_into_the_folder_whatever_the_id_says(water_trajectory, tmp_path):
    target = to_delta(water_trajectory)[1:]
    still = zero(target)
    prediction = Prediction(still, still)
    methods = ("M", FROZEN)
    errors = dict.fromkeys(methods, prediction_errors(water_trajectory, target, prediction))
    growth = dict.fromkeys(methods, still[:, 0, 0].real)
    ids = ("../../outside", "H2O_d0", "a/b")
    results = [
        EvaluatedTrajectory(i, "M", water_trajectory, dict.fromkeys(methods, prediction), errors, growth) for i in ids
    ]
    folder = tmp_path / "deep/folder"
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    write_report({"test": summarise(results)}, folder, tmp_path / "model.safetensors")
    made_by = read_trajectory(folder / "predictions/H2O_d0.h5").provenance
    assert (made_by.model, made_by.weights_sha256) == ("M", hashlib.sha256(b"weights").hexdigest())
    (tmp_path / "model.safetensors").unlink()
    names = [p.name for p in (folder / "predictions").iterdir()]
    assert len(names) == len(ids)
    assert "H2O_d0.h5" in names
    assert all(p.is_relative_to(folder) for p in tmp_path.rglob("*") if p.is_file())
