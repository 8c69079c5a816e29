"""Fmax, Smin and average precision: cases by hand, and loops over sets as an oracle."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.sparse import csr_array

from graphlearn.base.errors import InputError
from graphlearn.proteins.metrics import terms as metrics
from graphlearn.proteins.metrics.information import conditional_information, frequency_information
from graphlearn.proteins.metrics.thresholds import THRESHOLDS

CHAIN = csr_array(np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]], dtype=bool))  # term 2 below 1 below 0


@st.composite
def predictions(draw):
    """Scores on and between thresholds, labels with a true term, weights."""
    proteins, terms = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    grid = draw(st.sampled_from([2, 10, 100, 1000]))
    scores = rng.integers(0, grid + 1, (proteins, terms)) / grid
    labels = rng.random((proteins, terms)) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    labels[0, 0] = True
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return scores.astype(dtype), labels, rng.random(terms) * 10


def sets(scores, labels, threshold):
    """True and predicted terms of the proteins that have a true one."""
    for row, truth in zip(scores, labels, strict=True):
        if truth.any():
            cut = scores.dtype.type(threshold)
            yield {j for j in range(len(row)) if truth[j]}, {j for j in range(len(row)) if row[j] >= cut}


def fmax_by_loops(scores, labels):
    best = 0.0
    for threshold in THRESHOLDS:
        precisions, recalls = [], []
        for truth, predicted in sets(scores, labels, threshold):
            if predicted:
                precisions.append(len(truth & predicted) / len(predicted))
            recalls.append(len(truth & predicted) / len(truth))
        if precisions and sum(precisions):
            pr, rc = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
            best = max(best, 2 * pr * rc / (pr + rc))
    return best


def smin_by_loops(scores, labels, bits, normalised):
    best = math.inf
    for threshold in THRESHOLDS:
        ru, mi = [], []
        for truth, predicted in sets(scores, labels, threshold):
            scale = sum(bits[j] for j in truth | predicted) if normalised else 1.0
            ru.append(sum(bits[j] for j in truth - predicted) / scale)
            mi.append(sum(bits[j] for j in predicted - truth) / scale)
        best = min(best, math.sqrt((sum(ru) / len(ru)) ** 2 + (sum(mi) / len(mi)) ** 2))
    return best


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_loops_over_sets_agree(case):
    scores, labels, bits = case
    assert metrics.fmax(scores, labels).value == pytest.approx(fmax_by_loops(scores, labels), abs=1e-12)
    assert metrics.smin(scores, labels, bits).value == pytest.approx(smin_by_loops(scores, labels, bits, False))
    assert metrics.normalised_smin(scores, labels, bits).value == pytest.approx(
        smin_by_loops(scores, labels, bits, True)
    )


@settings(max_examples=30, deadline=None)
@given(predictions())
def test_average_precision_by_loops_over_ranks(case):
    scores, labels, _ = case

    def average_precision(values, truth):
        area, found, before = 0.0, 0, 0.0
        for cut in sorted(set(values.tolist()), reverse=True):
            chosen = values >= cut
            found = (chosen & truth).sum()
            recall = found / truth.sum()
            area += (recall - before) * found / chosen.sum()
            before = recall
        return area

    columns = [j for j in range(labels.shape[1]) if labels[:, j].any()]
    by_term = [average_precision(scores[:, j], labels[:, j]) for j in columns]
    assert metrics.macro_aupr(scores, labels) == pytest.approx(np.mean(by_term))
    whole = average_precision(scores[:, columns].ravel(), labels[:, columns].ravel())
    assert metrics.micro_aupr(scores, labels) == pytest.approx(whole)


def test_fmax_of_a_hand_worked_case():
    scores = np.array([[0.9, 0.6, 0.0], [0.0, 0.3, 0.0], [0.0, 0.0, 0.0]])
    labels = np.array([[True, False, False], [False, True, True], [True, False, False]])
    # t <= 0.3: pr = (1/2 + 1)/2, rc = (1 + 1/2 + 0)/3; t <= 0.6: 1/2, 1/3; t <= 0.9: 1, 1/3
    found = metrics.fmax(scores, labels)
    assert found.value == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert found.threshold == 0.01


def test_smin_of_a_hand_worked_case():
    scores, labels = np.array([[0.5, 0.2, 0.9]]), np.array([[True, True, False]])
    bits = np.array([3.0, 4.0, 1.0])
    # t <= 0.2: ru 0, mi 1; t <= 0.5: ru 4, mi 1; t <= 0.9: ru 7, mi 1; above: ru 7, mi 0
    assert metrics.smin(scores, labels, bits) == (1.0, 0.01)
    assert metrics.normalised_smin(scores, labels, bits).value == pytest.approx(1 / 8)
    assert metrics.smin(0 * scores, labels, bits).value == 7.0
    assert metrics.normalised_smin(0 * scores, labels, bits).value == 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_perfect_scores(dtype):
    labels = np.random.default_rng(0).random((20, 30)) < 0.2
    labels[:, 0] = True
    scores, bits = labels.astype(dtype), np.linspace(0.1, 9, 30)
    assert metrics.fmax(scores, labels) == (1.0, 0.01)
    assert metrics.smin(scores, labels, bits).value == 0.0
    assert metrics.normalised_smin(scores, labels, bits).value == 0.0
    assert metrics.macro_aupr(scores, labels) == metrics.micro_aupr(scores, labels) == 1.0


def test_no_prediction_is_no_error_of_the_program():
    scores, labels = np.zeros((1, 2)), np.array([[True, False]])
    assert metrics.fmax(scores, labels).value == 0.0
    assert metrics.macro_aupr(scores, labels) == 1.0  # one protein: precision is 1 at any rank
    assert metrics.micro_aupr(scores, labels) == 1.0  # the term that no protein has is left out


def test_a_protein_without_a_true_term_is_left_out():
    scores, labels = np.array([[0.9, 0.1], [0.9, 0.9]]), np.array([[True, False], [False, False]])
    assert metrics.fmax(scores, labels) == metrics.fmax(scores[:1], labels[:1])
    assert metrics.smin(scores, labels, np.ones(2)) == metrics.smin(scores[:1], labels[:1], np.ones(2))


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.zeros((2, 2)), np.zeros((2, 2), dtype=bool), "no protein has a true term"),
        (np.zeros((2, 2)), np.ones((2, 3), dtype=bool), r"\(2, 2\) and labels \(2, 3\)"),
        (np.array([[0.5, 3.0]]), np.ones((1, 2), dtype=bool), "protein 0, term 1 is 3.0"),
        (np.array([[np.nan, 0.5]]), np.ones((1, 2), dtype=bool), "protein 0, term 0 is nan"),
        (np.zeros((1, 1)), np.ones((1, 1), dtype=int), "labels bool"),
    ],
)
def test_bad_input_is_named(scores, labels, message):
    with pytest.raises(InputError, match=message):
        metrics.fmax(scores, labels)


def test_bad_weights_and_thresholds_are_named():
    scores, labels = np.zeros((1, 2)), np.ones((1, 2), dtype=bool)
    with pytest.raises(InputError, match="do not fit 2 terms"):
        metrics.smin(scores, labels, np.ones(3))
    with pytest.raises(InputError, match="rising order"):
        metrics.fmax(scores, labels, thresholds=np.array([0.5, 0.1]))


def test_average_precision_takes_logits():
    scores, labels = np.array([[-3.0], [5.0]]), np.array([[False], [True]])
    assert metrics.macro_aupr(scores, labels) == 1.0


def test_by_bin():
    labels = np.array([[True], [True], [False]])
    scores = np.array([[0.9], [0.0], [0.0]])
    bins = {"<30%": {"1ABC-A"}, "<40%": {"1ABC-A", "2ABC-A"}, "other": {"3ABC-A"}, "none": set()}
    found = metrics.by_bin(metrics.fmax, scores, labels, ["1ABC-A", "2ABC-A", "3ABC-A"], bins)
    assert found["<30%"].value == 1.0
    assert found["<40%"].value == pytest.approx(2 / 3)
    assert found["other"] is found["none"] is None
    with pytest.raises(InputError, match="do not fit the 3 rows"):
        metrics.by_bin(metrics.fmax, scores, labels, ["1ABC-A"], bins)


def test_conditional_information_of_a_hand_worked_case():
    labels = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=bool)
    # of 3 chains with a term 3 have 0, of these 2 have 1, of these 1 has 2; each count and one more
    expected = [0.0, np.log2(4 / 3), np.log2(3 / 2)]
    assert np.allclose(conditional_information(labels, CHAIN), expected)


def test_conditional_information_needs_all_parents():
    """Term 2 has parents 0 and 1; one of three chains has both and it, another both without it."""
    ancestors = csr_array(np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=bool))
    labels = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=bool)
    assert np.allclose(conditional_information(labels, ancestors), [0.0, np.log2(4 / 3), np.log2(3 / 2)])


def test_a_term_that_no_chain_has_stays_finite():
    labels = np.array([[1, 0, 0], [1, 0, 0]], dtype=bool)
    assert np.allclose(conditional_information(labels, CHAIN), [0.0, np.log2(3), 0.0])
    assert np.allclose(frequency_information(labels), [0.0, 1.0, 1.0])


def test_information_refuses_labels_that_are_not_closed():
    with pytest.raises(InputError, match="lacks a term above it"):
        conditional_information(np.array([[0, 1, 0]], dtype=bool), CHAIN)
    with pytest.raises(InputError, match="do not fit"):
        conditional_information(np.ones((1, 2), dtype=bool), CHAIN)
    with pytest.raises(InputError, match="more than the total"):
        frequency_information(np.ones((5, 1), dtype=bool), total=4)


def test_published_size_takes_less_than_a_minute_of_one_core():
    start = time.process_time()
    rng = np.random.default_rng(0)
    scores = rng.random((5000, 2000), dtype=np.float32)
    labels = rng.random((5000, 2000), dtype=np.float32) < 0.02
    assert 0 < metrics.fmax(scores, labels).value < 0.1
    assert 0 < metrics.normalised_smin(scores, labels, np.ones(2000)).value < 1.42
    assert time.process_time() - start < 60
