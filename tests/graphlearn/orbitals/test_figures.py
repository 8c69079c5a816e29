"""Figures name a model by its class."""

from dataclasses import replace

import numpy as np
import pytest

from graphlearn.orbitals.baselines import frozen_hamiltonian, zero
from graphlearn.orbitals.data.target import predicted_trajectory, to_delta
from graphlearn.orbitals.evaluate import FROZEN, ZERO, EvaluatedTrajectory, Prediction, prediction_errors
from graphlearn.orbitals.evaluated_set import summarise
from graphlearn.orbitals.figures import absorption_figure, dipole_figure, error_growth_figure, prediction_figure
from graphlearn.orbitals.metrics import wavefunction_nrmse_by_frame
from tdddft.trajectory import Provenance

MODELS = ("OrbEvo", "ResponseOrbEvo")


@pytest.fixture(params=MODELS)
def evaluated(request, water_trajectory):
    """Water with a prediction that is a tenth too large, as if by a model of the class."""
    target = to_delta(water_trajectory)[1:]
    deltas = {request.param: 1.1 * target, FROZEN: frozen_hamiltonian(water_trajectory), ZERO: zero(target)}
    predictions = {method: Prediction(delta, delta) for method, delta in deltas.items()}
    errors = {method: prediction_errors(water_trajectory, target, p) for method, p in predictions.items()}
    growth = {method: wavefunction_nrmse_by_frame(delta, target) for method, delta in deltas.items()}
    return EvaluatedTrajectory("H2O", request.param, water_trajectory, predictions, errors, growth)


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_legends_show_the_class_of_the_model(evaluated):
    assert legend(dipole_figure([evaluated])) == ["TDDFT", evaluated.model]
    assert legend(absorption_figure([evaluated])) == ["TDDFT", evaluated.model, FROZEN]
    growth = error_growth_figure({"held out": summarise([evaluated])})
    assert [text.get_text() for text in growth.legends[0].get_texts()] == [evaluated.model, FROZEN, ZERO]
    assert np.allclose(growth.axes[0].lines[0].get_ydata(), evaluated.growth[evaluated.model])


def test_the_growth_of_the_error_is_drawn_for_every_method_that_was_asked_for(evaluated):
    further = {f"linear kernel, {level}": 0.5 * evaluated.growth[ZERO] for level in ("fitted", "ris", "none")}
    axes = error_growth_figure({"held out": summarise([replace(evaluated, growth=evaluated.growth | further)])}).axes[0]
    assert {line.get_label() for line in axes.lines} == {evaluated.model, FROZEN, ZERO, *further}
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == len(axes.lines)


def test_the_legend_of_the_dipole_hides_no_curve(evaluated):
    figure = dipole_figure([evaluated])
    figure.canvas.draw()
    assert figure.axes[0].get_legend().get_window_extent().y0 >= figure.axes[0].get_window_extent().y1 - 10


@pytest.mark.parametrize("model", MODELS)
def test_the_figure_of_a_rollout_names_the_model_of_its_provenance(model, water_trajectory):
    predicted = predicted_trajectory(to_delta(water_trajectory), water_trajectory, Provenance(model=model))
    assert prediction_figure(predicted).get_suptitle() == f"{predicted.name} · predicted by {model}"
