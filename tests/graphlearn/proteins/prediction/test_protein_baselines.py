"""Predictors that learn nothing: by hand, and the naive Fmax of the bundled data."""

import numpy as np
import pytest

from graphlearn.base.errors import InputError
from graphlearn.proteins.data.deepfri_files import read_chain_list
from graphlearn.proteins.data.rebuilt_labels import read_rebuilt_labels
from graphlearn.proteins.metrics import terms as metrics
from graphlearn.proteins.prediction.homology import best_hit_transfer, term_frequency
from graphlearn.proteins.sequence.search import Hit

LABELS = np.array([[1, 0, 1], [1, 1, 0]], dtype=bool)


def test_term_frequency():
    assert term_frequency(LABELS, 2).tolist() == [[1.0, 0.5, 0.5]] * 2
    with pytest.raises(InputError, match="no training chain"):
        term_frequency(LABELS[:0], 2)


def test_best_hit_transfer_takes_the_best_hit_of_each_term():
    hits = [Hit("q", "a", 0.9), Hit("q", "b", 0.4), Hit("q", "other", 1.0), Hit("x", "a", 1.0)]
    found = best_hit_transfer(hits, ["q", "without"], ["a", "b"], LABELS)
    assert found.tolist() == [[0.9, 0.4, 0.9], [0.0, 0.0, 0.0]]
    with pytest.raises(InputError, match="1 training chains do not fit 2 rows"):
        best_hit_transfer(hits, ["q"], ["a"], LABELS)


def test_naive_fmax_of_the_bundled_chains(data_folder):
    """0.125 on DeepFRI's molecular functions, as measured when the labels were rebuilt."""
    folder = data_folder / "protein"
    labels = read_rebuilt_labels(folder / "go_propagated_labels.tsv.gz").annotations["mf"]
    terms = [row.split("\t")[1] for row in (folder / "deepfri_mf_terms.tsv").read_text().splitlines()[1:]]
    parts = {p: read_chain_list(folder / f"deepfri/nrPDB-GO_2019.06.18_{p}.txt.gz") for p in ("train", "test")}
    wrong = {"1MHM-A", "3P8C-E"}  # matched to another chain of their entry
    train, test = ([c for c in parts[p] if c in labels.labels and c not in wrong] for p in ("train", "test"))
    assert len(test) == 278
    columns = labels.with_terms(terms)
    found = metrics.fmax(term_frequency(columns.targets(train), len(test)), columns.targets(test))
    assert found.value == pytest.approx(0.125, abs=1e-3)
