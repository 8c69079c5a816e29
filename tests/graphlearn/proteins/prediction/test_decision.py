"""From logits and similar chains to probabilities."""

from __future__ import annotations

import os

import numpy as np
import pytest

from graphlearn.base.errors import ContractError, InputError
from graphlearn.proteins.prediction.decision import (
    Calibration,
    DecisionRule,
    expected_calibration_error,
    fit_calibration,
)
from graphlearn.proteins.prediction.homology import HOMOLOGUES, Homologues


def drawn(slope, offset, transfer=0.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (400, 50))
    similar = rng.uniform(0, 1, (400, 50)) * (rng.uniform(size=(400, 50)) < 0.3)
    p = Calibration(slope, offset, transfer)(logits, similar)
    return logits, similar, rng.uniform(size=p.shape) < p


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.4, -1.5)])
def test_the_map_that_drew_the_labels_is_found(slope, offset):
    logits, _, labels = drawn(slope, offset)
    found = fit_calibration(logits, labels)
    assert found.slope == pytest.approx(slope, rel=0.08)
    assert found.offset == pytest.approx(offset, abs=0.08)
    assert expected_calibration_error(found(logits), labels) < 0.02


def test_similar_chains_count_as_much_as_they_are_worth():
    logits, similar, labels = drawn(0.5, -1.0, transfer=6.0)
    found = fit_calibration(logits, labels, similar)
    assert found.transfer == pytest.approx(6.0, rel=0.1)

    def loss(p):
        return -np.mean(np.log(np.where(labels, p, 1 - p)))

    assert loss(found(logits, similar)) < loss(fit_calibration(logits, labels)(logits))


def test_expected_calibration_error_by_hand():
    p = np.array([[0.95, 0.85, 0.85, 0.001]])
    labels = np.array([[True, True, False, True]])
    assert expected_calibration_error(p, labels) == pytest.approx((0.05 + 0.7) / 3)
    assert expected_calibration_error(np.zeros((2, 2)), np.ones((2, 2), dtype=bool)) == 0


def test_labels_of_one_kind_and_other_shapes_are_refused():
    with pytest.raises(InputError, match="both kinds"):
        fit_calibration(np.zeros((2, 2)), np.zeros((2, 2), dtype=bool))
    with pytest.raises(InputError, match="must both be"):
        fit_calibration(np.zeros((2, 2)), np.zeros((2, 3), dtype=bool))


def test_a_decision_rule_comes_back_from_its_plain_content():
    rule = DecisionRule(Calibration(0.5, -1.0), Calibration(0.4, -2.0, 9.0), 0.2, 0.3)
    assert DecisionRule.from_dict(rule.to_dict()) == rule
    assert DecisionRule.from_dict({}) == DecisionRule()
    with pytest.raises(ContractError, match="damaged decision"):
        DecisionRule.from_dict({"network": {"slop": 1}})


SEQUENCES = {"a": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRV", "b": "GDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQT"}


def test_similar_chains_hand_on_their_terms():
    homologues = Homologues(SEQUENCES, np.array([[True, False, True], [False, True, False]]))
    unlike = "WWWWCCCCHHHHWWWWCCCCHHHHMMMMPPPPWWWWCCCC"
    scores = homologues.transfer({"like a": SEQUENCES["a"], "unlike": unlike})
    assert np.array_equal(scores, [[1, 0, 1], [0, 0, 0]])
    assert homologues.nearest(SEQUENCES["b"]) == ("b", 1.0, "align")
    assert homologues.nearest(unlike) is None


def test_similar_chains_come_back_from_their_file(tmp_path):
    assert Homologues.load(tmp_path) is None
    labels = np.array([[True, False], [False, True]])
    Homologues(SEQUENCES, labels).save(tmp_path)
    found = Homologues.load(tmp_path)
    assert (found.sequences, found.search) == (SEQUENCES, "align")
    assert np.array_equal(found.labels, labels)
    content = (tmp_path / HOMOLOGUES).read_bytes()
    (tmp_path / HOMOLOGUES).write_bytes(content[: len(content) // 2])
    with pytest.raises(ContractError, match="damaged"):
        Homologues.load(tmp_path)


@pytest.fixture
def counting_mmseqs(tmp_path, monkeypatch):
    """A program of that name on the PATH that notes each call and finds nothing."""
    program = tmp_path / "bin" / "mmseqs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho called >> {tmp_path}/calls\n: > "$4"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path / "calls"


def test_the_search_program_is_kept_with_the_model_and_never_chosen_by_what_is_installed(counting_mmseqs, tmp_path):
    labels = np.eye(2, dtype=bool)
    Homologues(SEQUENCES, labels).save(tmp_path)
    found = Homologues.load(tmp_path)
    assert found.nearest(SEQUENCES["a"]) == ("a", 1.0, "align")
    assert not counting_mmseqs.exists()
    Homologues(SEQUENCES, labels, "mmseqs").save(tmp_path)
    found = Homologues.load(tmp_path)
    assert (found.search, found.nearest(SEQUENCES["a"])) == ("mmseqs", None)
    assert counting_mmseqs.read_text() == "called\n"


def test_a_model_whose_search_program_is_absent_says_so_when_it_is_loaded(tmp_path, monkeypatch):
    Homologues(SEQUENCES, np.eye(2, dtype=bool), "mmseqs").save(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="mmseqs is not on the PATH; install MMseqs2"):
        Homologues.load(tmp_path)
