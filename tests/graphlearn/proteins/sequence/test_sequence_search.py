"""Similar sequences: globins find globins, and both ways of searching agree."""

import shutil

import pytest

from graphlearn.base.errors import InputError
from graphlearn.proteins.sequence.alignment import AlignmentSearch
from graphlearn.proteins.sequence.search import search_sequences

ALPHA = (
    "VLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHGKKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFKLLSHC"
    "LLVTLAAHLPAEFTPAVHASLDKFLASVSTVLTSKYR"
)
BETA = (
    "VHLTPEEKSAVTALWGKVNVDEVGGEALGRLLVVYPWTQRFFESFGDLSTPDAVMGNPKVKAHGKKVLGAFSDGLAHLDNLKGTFATLSELHCDKLHVDPENFR"
    "LLGNVLVCVLAHHFGKEFTPPVQAAYQKVVAGVANALAHKYH"
)
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
TARGETS = {"beta": BETA, "ubiquitin": UBIQUITIN, "alpha": ALPHA}


@pytest.fixture(params=["align", "mmseqs"])
def method(request):
    if request.param == "mmseqs" and not shutil.which("mmseqs"):
        pytest.skip("mmseqs is not installed")
    return request.param


def test_a_globin_finds_globins(method):
    first, second = search_sequences({"query": ALPHA}, TARGETS, method=method)
    assert first == ("query", "alpha", 1.0)
    assert second[:2] == ("query", "beta")
    assert 0.40 < second.identity < 0.46  # 43 % in the literature


def test_order_and_names(method):
    queries = {"sp|P1|x": UBIQUITIN, "b c": BETA.lower()}
    found = search_sequences(queries, TARGETS, method=method)
    assert [hit[:2] for hit in found] == [("sp|P1|x", "ubiquitin"), ("b c", "beta"), ("b c", "alpha")]


def test_identity_by_hand():
    """Five of 60 residues changed: 55 of 60 columns are equal."""
    target = ALPHA[:60]
    query = "".join("W" if i in (10, 20, 30, 40, 50) else letter for i, letter in enumerate(target))
    assert AlignmentSearch([target]).hits(query, 1e-3, 5) == [(0, pytest.approx(55 / 60))]


def test_unknown_residues_are_no_match():
    (hit,) = search_sequences({"q": ALPHA[:50] + "U" * 5 + ALPHA[50:]}, {"t": ALPHA[:50] + "O" * 5 + ALPHA[50:]},
                              method="align")  # fmt: skip
    assert hit.identity == pytest.approx(141 / 146)


@pytest.mark.parametrize("query", ["A", "AC", "XXXXXXXX", "ACD"])
def test_short_and_strange_queries_have_no_hit(query):
    assert search_sequences({"q": query}, TARGETS, method="align") == []


def test_nothing_to_search():
    assert search_sequences({}, TARGETS) == search_sequences(TARGETS, {}) == []
    assert search_sequences(TARGETS, {"t": "AC"}, method="align") == []


def test_bad_input_is_named(monkeypatch, tmp_path):
    with pytest.raises(InputError, match="sequence of q is empty"):
        search_sequences({"q": ""}, TARGETS)
    with pytest.raises(InputError, match="holds what is no letter: 'AC-D'"):
        search_sequences({"q": "AC-D"}, TARGETS)
    with pytest.raises(InputError, match="unknown search program 'blast'"):
        search_sequences(TARGETS, TARGETS, method="blast")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="mmseqs is not on the PATH"):
        search_sequences(TARGETS, TARGETS, method="mmseqs")


def test_a_failing_mmseqs_is_reported(monkeypatch, tmp_path):
    program = tmp_path / "mmseqs"
    program.write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="mmseqs failed: no space left"):
        search_sequences(TARGETS, TARGETS, method="mmseqs")
