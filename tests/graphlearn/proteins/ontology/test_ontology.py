"""The Gene Ontology and EC numbers: ancestors by hand, against networkx, and of the real release."""

import gzip

import networkx
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from graphlearn.base.errors import InputError
from graphlearn.proteins.data.deepfri_files import read_deepfri_annotations
from graphlearn.proteins.ontology.enzyme_commission import EnzymeCommission
from graphlearn.proteins.ontology.gene_ontology import GeneOntology, GeneOntologyTerm

OBO = """format-version: 1.2
data-version: releases/2019-01-27
ontology: go

[Term]
id: GO:0003674
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0003824
name: catalytic activity
namespace: molecular_function
def: "Catalysis of a reaction: {not} a [Term]." [EC:1]
is_a: GO:0003674 ! molecular_function

[Term]
id: GO:0016787
name: hydrolase activity
namespace: molecular_function
alt_id: GO:0016000
is_a: GO:0003824 ! catalytic activity
relationship: has_part GO:0003674 ! molecular_function
relationship: part_of GO:0008152 ! metabolic process

[Term]
id: GO:0004857
name: enzyme inhibitor activity
namespace: molecular_function
relationship: negatively_regulates GO:0003824 ! catalytic activity

[Term]
id: GO:0008152
name: metabolic process
namespace: biological_process

[Term]
id: GO:0000005
name: obsolete chaperone
namespace: molecular_function
is_a: GO:0003824 ! catalytic activity
is_obsolete: true
replaced_by: GO:0016787

[Typedef]
id: part_of
name: part of
"""


@pytest.fixture
def obo(tmp_path):
    path = tmp_path / "go.obo"
    path.write_text(OBO)
    return path


@pytest.fixture(scope="session")
def gene_ontology(data_folder):
    return GeneOntology.read(data_folder / "protein/go_20190127.obo.xz")


def test_terms_of_a_small_file(obo):
    ontology = GeneOntology.read(obo)
    assert len(ontology) == 5
    assert ontology.version == "2019-01-27"
    assert repr(ontology) == "GeneOntology(5 terms, version 2019-01-27)"
    assert ontology["GO:0016000"] == GeneOntologyTerm("GO:0016787", "hydrolase activity", "mf", ("GO:0003824",))
    assert ontology.ancestors("GO:0016000") == {"GO:0016787", "GO:0003824", "GO:0003674"}
    assert ontology.ancestors("GO:0016787", include_self=False) == {"GO:0003824", "GO:0003674"}
    assert ontology.closure(["GO:0016787", "GO:0008152"], roots=False) == {"GO:0016787", "GO:0003824"}
    assert ontology.closure([]) == frozenset()
    assert [term for term in ontology.terms if ontology[term].namespace == "bp"] == ["GO:0008152"]
    assert "GO:0000005" not in ontology


def test_relations_can_be_chosen(obo):
    assert GeneOntology.read(obo).parents("GO:0004857") == ("GO:0003824",)
    assert GeneOntology.read(obo, relations=["is_a"]).parents("GO:0004857") == ()
    with pytest.raises(InputError, match="unknown relation 'partof'; did you mean part_of"):
        GeneOntology.read(obo, relations=["partof"])


def test_packed_files_are_the_same(obo):
    packed = obo.with_suffix(".gz")
    packed.write_bytes(gzip.compress(obo.read_bytes()))
    assert GeneOntology.read(packed).terms == GeneOntology.read(obo).terms


def test_matrix_holds_ancestors_of_the_list_only(obo):
    ontology = GeneOntology.read(obo)
    found = ontology.matrix(["GO:0016787", "GO:0003674", "GO:0008152"])
    assert found.dtype == np.bool_
    assert found.toarray().tolist() == [[True, True, False], [False, True, False], [False, False, True]]
    assert ontology.matrix([]).shape == (0, 0)
    with pytest.raises(InputError, match="GO:0016787 and GO:0016000 of the list are the same"):
        ontology.matrix(["GO:0016787", "GO:0016000"])
    with pytest.raises(InputError, match="unknown term 'GO:9999999'"):
        ontology.matrix(["GO:9999999"])
    loose = ontology.matrix(["GO:9999999", "GO:0003674", "GO:0003824"], strict=False)
    assert loose.toarray().tolist() == [[True, False, False], [False, True, False], [False, True, True]]


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("GO:0016788", "unknown term 'GO:0016788' .*release 2019-01-27; did you mean GO:0016787"),
        ("kinase", "identifiers look like GO:0003824"),
        ("GO:0000005", "obsolete in release 2019-01-27; use GO:0016787 instead"),
    ],
)
def test_unknown_terms_are_named(obo, term, message):
    with pytest.raises(InputError, match=message):
        GeneOntology.read(obo).ancestors(term)


@pytest.mark.parametrize("content", ["", "hello\n", "[Term]\nname: no identifier\n", "[Term]\nid: X:1\nname: other\n"])
def test_files_of_another_kind_are_refused(tmp_path, content):
    path = tmp_path / "other.obo"
    path.write_text("format-version: 1.2\nontology: other\n\n" + content)
    with pytest.raises(InputError, match=r"other\.obo"):
        GeneOntology.read(path)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_ancestors_are_what_networkx_reaches(size, seed):
    links = np.tril(np.random.default_rng(seed).random((size, size)) < 0.3, -1)
    names = [f"GO:{i:07d}" for i in range(size)]
    ontology = GeneOntology(
        GeneOntologyTerm(name, name, "mf", tuple(names[j] for j in np.flatnonzero(links[i])))
        for i, name in enumerate(names)
    )
    graph = networkx.from_numpy_array(links, create_using=networkx.DiGraph)
    matrix = ontology.matrix(names).toarray()
    for i, name in enumerate(names):
        above = {names[j] for j in networkx.descendants(graph, i)}
        assert ontology.ancestors(name, include_self=False) == above
        assert {names[j] for j in np.flatnonzero(matrix[i])} == above | {name}
    everything = ontology.closure(names)
    assert ontology.closure(everything) == everything == set(names)


def test_real_release(gene_ontology, data_folder):
    assert len(gene_ontology) == 45013
    assert len(gene_ontology.obsolete) == 2334
    assert sum(len(set(term.parents)) for term in gene_ontology.terms.values()) == 93001
    assert gene_ontology.version == "2019-01-27"
    for root in ("GO:0003674", "GO:0008150", "GO:0005575"):
        assert gene_ontology.parents(root) == ()
    rows = (data_folder / "protein/deepfri_mf_terms.tsv").read_text().splitlines()[1:]
    terms = [row.split("\t")[1] for row in rows]
    assert len(terms) == 489
    assert [term for term in terms if term not in gene_ontology] == ["GO:0140318", "GO:0140375"]  # later in 2019
    assert gene_ontology.matrix(terms, strict=False).shape == (489, 489)


def test_ec_numbers():
    numbers = EnzymeCommission()
    assert numbers.ancestors("3.4.21.4") == {"3.4.21.4", "3.4.21.-", "3.4.-.-", "3.-.-.-"}
    assert numbers.resolve("EC 3.4") == numbers.resolve("EC:3.4.-.-") == "3.4.-.-"
    assert numbers.parents("3") == ()
    assert numbers.closure(["1.1.1.n2"], roots=False) == {"1.1.1.n2", "1.1.1.-", "1.1.-.-"}
    assert "3.4.21.-" in numbers
    for wrong in ("", "-", "3.-.21.4", "3.4.21.4.1", "GO:0003824", "3.4.21.0"):
        assert wrong not in numbers
        with pytest.raises(InputError, match="is no EC number"):
            numbers.ancestors(wrong)


def test_published_ec_labels_are_closed_over_their_two_levels(data_folder):
    labels = read_deepfri_annotations(data_folder / "protein/deepfri/nrPDB-EC_2020.04_annot.tsv.gz")["ec"]
    numbers, known = EnzymeCommission(), set(labels.terms)
    assert {term.count("-") for term in labels.terms} == {0, 1}
    assert all(numbers.closure(terms) & known == terms for terms in labels.labels.values())
    assert numbers.matrix(labels.terms).nnz == 538 + 377
