"""Residue localisation: cases by hand, ties, unknown residues, chance."""

import math

import numpy as np
import pytest

from graphlearn.base.errors import InputError
from graphlearn.proteins.data.sites import SiteMask
from graphlearn.proteins.metrics.localisation import localise, localise_chain, top_recall


def mask(*indices, length, unknown=()):
    site, known = np.zeros(length, dtype=bool), np.ones(length, dtype=bool)
    site[list(indices)] = True
    known[list(unknown)] = False
    return SiteMask(site, known)


def test_hand_worked_case():
    scores = np.linspace(1, 0, 20)  # the first residues are scored best
    found = localise_chain(scores, mask(0, 2, length=20).site)
    assert found.auroc == pytest.approx(35 / 36)  # one of 36 pairs is the wrong way round
    assert found.aupr == pytest.approx((1 + 2 / 3) / 2)
    assert found.top_recall == 0.5  # places 0 and 1
    assert found.site_fraction == 0.1


def test_equal_scores_are_chance():
    found = localise_chain(np.zeros(40), mask(0, 1, 2, 3, length=40).site)
    assert found.auroc == 0.5
    assert found.aupr == pytest.approx(found.site_fraction)
    assert found.top_recall == pytest.approx(0.1)


def test_ties_share_places():
    # two places: one for the best, one shared by three of which one is true
    scores = np.array([3.0, 2, 2, 2] + [0] * 16)
    assert top_recall(scores, mask(0, 1, length=20).site) == pytest.approx((1 + 1 / 3) / 2)


def test_a_short_chain_has_one_place():
    assert top_recall(np.array([0.1, 0.9, 0.2]), np.array([False, True, False])) == 1.0


def test_unknown_residues_do_not_count():
    scores, known = np.arange(10.0), mask(8, length=10, unknown=[9])
    found = localise_chain(scores, *known)
    assert (found.auroc, found.aupr, found.top_recall) == (1.0, 1.0, 1.0)
    assert found.site_fraction == pytest.approx(1 / 9)


def test_mean_over_chains_with_a_site():
    scores = {"1ABC-A": np.arange(10.0), "2ABC-B": -np.arange(10.0), "3ABC-C": np.zeros(3), "4ABC-D": np.zeros(3)}
    sites = {
        "1ABC-A": mask(9, length=10),
        "2ABC-B": mask(9, length=10),
        "3ABC-C": mask(length=3),
        "9XYZ-A": mask(0, length=3),
    }
    mean, by_chain = localise(scores, sites)
    assert (mean.auroc, mean.top_recall, mean.chains) == (0.5, 0.5, 2)
    assert mean.aupr == pytest.approx((1 + 0.1) / 2)
    assert list(by_chain) == ["1ABC-A", "2ABC-B"]


def test_a_chain_that_is_all_site_has_no_roc_curve():
    scores = {"1ABC-A": np.arange(3.0), "2ABC-B": np.arange(10.0)}
    sites = {"1ABC-A": mask(0, 1, 2, length=3), "2ABC-B": mask(9, length=10)}
    mean, by_chain = localise(scores, sites)
    assert math.isnan(by_chain["1ABC-A"].auroc)
    assert mean.auroc == 1.0
    assert math.isnan(localise({"1ABC-A": scores["1ABC-A"]}, sites)[0].auroc)


def test_random_scores_are_chance():
    rng = np.random.default_rng(0)
    scores = {f"{i}": rng.random(100) for i in range(300)}
    sites = {f"{i}": mask(*rng.choice(100, 10, replace=False), length=100) for i in range(300)}
    mean, _ = localise(scores, sites)
    assert mean.auroc == pytest.approx(0.5, abs=0.02)
    assert mean.top_recall == pytest.approx(0.1, abs=0.02)


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"1ABC-A: .* must be of one chain"):
        localise({"1ABC-A": np.zeros(4)}, {"1ABC-A": mask(0, length=3)})
    with pytest.raises(InputError, match="1ABC-A: 1 scores of residues are not finite"):
        localise({"1ABC-A": np.array([np.nan, 0, 0])}, {"1ABC-A": mask(0, length=3)})
    with pytest.raises(InputError, match="none of the 1 chains"):
        localise({"1ABC-A": np.zeros(3)}, {"1ABC-A": mask(length=3)})
    with pytest.raises(InputError, match="leave the chain out"):
        localise_chain(np.zeros(3), np.zeros(3, dtype=bool))
