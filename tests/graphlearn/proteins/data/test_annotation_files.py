"""Label, list and identity files: what is written is read, and what is wrong is named with file and line."""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from graphlearn.base.errors import InputError
from graphlearn.proteins.data.deepfri_files import read_chain_list, read_deepfri_annotations, read_identity_bins
from graphlearn.proteins.data.rebuilt_labels import read_rebuilt_labels
from graphlearn.proteins.ontology.annotations import Annotations, read_term_table
from graphlearn.proteins.ontology.enzyme_commission import EnzymeCommission
from graphlearn.proteins.ontology.gene_ontology import NAMESPACES

GO_FILE = """### GO-terms (molecular_function)
GO:0001\tGO:0002
### GO-names (molecular_function)
first "one"\tsecond, other
### GO-terms (biological_process)
GO:0010
### GO-names (biological_process)
process
### GO-terms (cellular_component)

### GO-names (cellular_component)

### PDB-chain\tGO-terms (molecular_function)\tGO-terms (biological_process)\tGO-terms (cellular_component)
1ABC-A\tGO:0002,GO:0001\tGO:0010\t
2ABC-AAA\t\t\t
"""
LABELS = {"1ABC-A": frozenset({"a", "b"}), "2ABC-B": frozenset({"b"}), "3ABC-C": frozenset()}

chains = st.from_regex(r"[0-9][A-Z0-9]{3}-[A-Za-z0-9]{1,3}", fullmatch=True)
go_terms = st.integers(0, 9_999_999).map(lambda number: f"GO:{number:07d}")
names = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=("Cs", "Cc")), min_size=1)


@st.composite
def annotations(draw, chain_names):
    terms = draw(st.lists(go_terms, unique=True, max_size=6))
    named = {term: draw(names) for term in terms}
    chosen = st.frozensets(st.sampled_from(terms)) if terms else st.just(frozenset())
    return Annotations(tuple(terms), named, {chain: draw(chosen) for chain in chain_names})


@st.composite
def three_ontologies(draw):
    chain_names = draw(st.lists(chains, unique=True, max_size=5))
    return {key: draw(annotations(chain_names)) for key in ("mf", "bp", "cc")}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(three_ontologies(), st.booleans())
def test_deepfri_files_are_read_as_they_were_written(tmp_path, given_, packed):
    lines = []
    for name, annotations in zip(NAMESPACES, given_.values(), strict=True):
        lines += [f"### GO-terms ({name})", "\t".join(annotations.terms)]
        lines += [f"### GO-names ({name})", "\t".join(annotations.names[term] for term in annotations.terms)]
    lines.append("### PDB-chain\t" + "\t".join(f"GO-terms ({name})" for name in NAMESPACES))
    for chain in given_["mf"].labels:
        lines.append("\t".join([chain, *(",".join(one.labels[chain]) for one in given_.values())]))
    content = ("\n".join(lines) + "\n").encode()
    path = tmp_path / "annot.tsv"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read_deepfri_annotations(path) == given_


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(chains, unique=True, min_size=1, max_size=5).flatmap(annotations))
def test_plain_tables_are_read_as_they_were_written(tmp_path, given_):
    path = tmp_path / "labels.tsv"
    path.write_text("chain\tterms\n" + "".join(f"{c}\t{','.join(terms)}\n" for c, terms in given_.labels.items()))
    assert read_term_table(path).labels == given_.labels


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="1AB-G:0,\t\n\r# x", max_size=60))
def test_any_text_is_read_or_refused_with_the_file_named(tmp_path, text):
    path = tmp_path / "labels.tsv"
    path.write_text(text, newline="")
    for read in (read_term_table, read_chain_list, read_identity_bins, read_deepfri_annotations, read_rebuilt_labels):
        refused = ""
        try:
            read(path)
        except InputError as error:
            refused = str(error)
        assert not refused or "labels.tsv" in refused


def test_deepfri_file_as_users_have_it(tmp_path):
    path = tmp_path / "annot.tsv"
    path.write_text(GO_FILE)
    found = read_deepfri_annotations(path)
    assert found["mf"].terms == ("GO:0001", "GO:0002")
    assert found["mf"].names["GO:0001"] == 'first "one"'
    assert found["mf"].labels == {"1ABC-A": {"GO:0001", "GO:0002"}, "2ABC-AAA": set()}
    assert found["cc"].terms == ()
    path.write_text(GO_FILE.replace("\n", "\r\n"), newline="")
    assert read_deepfri_annotations(path) == found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2ABC-AAA\t\t\t", "2ABC-AAA\t\t", r"line 15: 3 fields"),
        ("2ABC-AAA\t", "1ABC-A\t", r"line 15: chain 1ABC-A has a line already"),
        ("2ABC-AAA\t", "\t", r"line 15: '' is no name of a chain"),
        ("GO:0002,GO:0001", "GO:0002,GO:0003", r"line 14: term 'GO:0003' is not in the header.*did you mean"),
        ("GO:0002,GO:0001", "GO:0002,", r"line 14: '' in 'GO:0002,' is no term"),
        ("GO:0002,GO:0001", "GO:0002,GO:0002", r"line 14: GO:0002 stands twice"),
        ("GO:0001\tGO:0002", "GO:0001\tGO:0001", "GO:0001 stands twice below"),
        ("process\n", "process\tmore\n", "1 terms below .* but 2 names"),
        ("### GO-names (mol", "### names (mol", "line 3: found '### names"),
        ("### PDB-chain", "### chain", "line 13: found"),
    ],
)
def test_faults_of_a_deepfri_file_are_named(tmp_path, old, new, message):
    path = tmp_path / "annot.tsv"
    path.write_text(GO_FILE.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"annot\.tsv.*{message}"):
        read_deepfri_annotations(path)


def test_a_truncated_head_is_named(tmp_path):
    path = tmp_path / "annot.tsv"
    path.write_text(GO_FILE[:60])
    with pytest.raises(InputError, match=r"annot\.tsv.* where .* is needed"):
        read_deepfri_annotations(path)


def test_unknown_chains_are_named(tmp_path):
    path = tmp_path / "annot.tsv"
    path.write_text(GO_FILE)
    with pytest.raises(InputError, match=r"line 15: unknown chain '2ABC-AAA'; did you mean 2ABC-A"):
        read_deepfri_annotations(path, known=["1ABC-A", "2ABC-A"])
    path.write_text("1ABC-A\n2ABC-B\n")
    with pytest.raises(InputError, match=r"annot\.tsv, line 2: unknown chain '2ABC-B'"):
        read_chain_list(path, known={"1ABC-A"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1ABC-A\ta\n1ABC-A\tb\n", "line 2: chain 1ABC-A has a line already"),
        ("chain\tterms\n1ABC-A\ta\tb\n", "line 2: 3 fields"),
        ("1ABC-A a,b\n", "line 1: '1ABC-A a,b' is no name"),
        ("1ABC-A\ta, b\n", "line 1: ' b' in 'a, b' is no term"),
        ("chain\tterms\n", "holds no chain"),
        ("\n\n", "the file is empty"),
    ],
)
def test_faults_of_a_plain_table_are_named(tmp_path, text, message):
    path = tmp_path / "labels.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_term_table(path)


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_chain_list(tmp_path / "absent.txt")
    path = tmp_path / "list.txt.gz"
    path.write_bytes(gzip.compress(b"1ABC-A\n" * 100)[:-10])
    with pytest.raises(InputError, match=r"list\.txt\.gz: the packed file is damaged"):
        read_chain_list(path)


def test_lists_and_bins(tmp_path):
    path = tmp_path / "list"
    path.write_text("1ABC-A\n\n2ABC-B\n1ABC-A\n")
    with pytest.raises(InputError, match="line 4: chain 1ABC-A stands in line 1 already"):
        read_chain_list(path)
    path.write_text("PDB-chain,<30%,<95%\n1ABC-A,0,1\n2ABC-B,1,1\n")
    assert read_identity_bins(path) == {"<30%": {"2ABC-B"}, "<95%": {"1ABC-A", "2ABC-B"}}
    path.write_text("PDB-chain,<30%,<95%\n1ABC-A,0\n")
    with pytest.raises(InputError, match="line 2: a chain and 2 times 0 or 1"):
        read_identity_bins(path)
    path.write_text("PDB-chain,<30%\n1ABC-A,0\n1ABC-A,0\n")
    with pytest.raises(InputError, match="line 3: chain 1ABC-A has a line already"):
        read_identity_bins(path)
    path.write_text("1ABC-A,0\n")
    with pytest.raises(InputError, match="line 1: the header"):
        read_identity_bins(path)


def test_rebuilt_labels(tmp_path):
    path = tmp_path / "labels.tsv"
    header = "chain\tsource\thas_experimental\tmf\tbp\tcc\n"
    path.write_text(header + "1ABC-A\tGOA+EC2GO\t1\tGO:1,GO:2\t\tGO:3\n2ABC-B\tEC2GO\t0\tGO:1\t\t\n")
    found = read_rebuilt_labels(path)
    assert found.annotations["mf"].labels == {"1ABC-A": {"GO:1", "GO:2"}, "2ABC-B": {"GO:1"}}
    assert found.annotations["bp"].labels == {}
    assert found.sources == {"1ABC-A": {"GOA", "EC2GO"}, "2ABC-B": {"EC2GO"}}
    assert found.experimental == {"1ABC-A"}
    path.write_text(header + "1ABC-A\tGOA\tyes\tGO:1\t\t\n")
    with pytest.raises(InputError, match="line 2: has_experimental is 'yes'"):
        read_rebuilt_labels(path)


def test_tables_of_labels():
    one = Annotations.from_labels(LABELS)
    assert one.terms == ("a", "b")
    assert one.targets(["2ABC-B", "1ABC-A"]).tolist() == [[False, True], [True, True]]
    assert one.counts().tolist() == [1, 2]
    assert one.counts(["2ABC-B"]).tolist() == [0, 1]
    assert one.with_terms(["c", "b"]).targets(["1ABC-A"]).tolist() == [[False, True]]
    assert list(one.with_chains(["3ABC-C", "9XYZ-A"]).labels) == ["3ABC-C"]
    assert repr(one) == "Annotations(2 terms, 3 chains)"
    with pytest.raises(InputError, match="no annotation of chain '1ABC-B'; did you mean"):
        one.targets(["1ABC-B"])
    with pytest.raises(InputError, match="the term a is listed twice"):
        one.with_terms(["a", "a"])
    with pytest.raises(InputError, match="1ABC-A: b is not among the 1 terms"):
        Annotations(("a",), {}, LABELS)


def test_closing_labels():
    open_ = Annotations.from_labels({"1ABC-A": ["3.4.21.4"], "2ABC-B": []})
    assert open_.closed(EnzymeCommission()).labels == {"1ABC-A": {"3.4.21.4", "3.4.21.-", "3.4.-.-"}, "2ABC-B": set()}
    assert "3.-.-.-" in open_.closed(EnzymeCommission(), roots=True).terms


def test_published_files(data_folder):
    folder = data_folder / "protein/deepfri"
    ec = read_deepfri_annotations(folder / "nrPDB-EC_2020.04_annot.tsv.gz")["ec"]
    assert (len(ec.terms), len(ec)) == (538, 19201)
    sizes = {}
    for name in ("EC_2020.04", "GO_2019.06.18"):
        for part in ("train", "valid", "test"):
            sizes[name, part] = len(read_chain_list(folder / f"nrPDB-{name}_{part}.txt.gz"))
    assert list(sizes.values()) == [15551, 1729, 1919, 29902, 3323, 3416]
    assert ec.targets(read_chain_list(folder / "nrPDB-EC_2020.04_test.txt.gz", known=ec.labels)).any(1).all()
    bins = read_identity_bins(folder / "nrPDB-GO_2019.06.18_test.csv.gz")
    assert {name: len(members) for name, members in bins.items()} == {
        "<30%": 1717, "<40%": 1937, "<50%": 2199, "<70%": 2733, "<95%": 3416,
    }  # fmt: skip
    assert bins["<30%"] - bins["<40%"] == {"1JPH-A", "1OV4-A", "5GW5-z"}  # so it stands in the file


def test_bundled_labels_fit_their_lists(data_folder):
    found = read_rebuilt_labels(data_folder / "protein/go_propagated_labels.tsv.gz")
    assert {key: len(one) for key, one in found.annotations.items()} == {"mf": 7183, "bp": 4068, "cc": 4056}
    assert len(found.experimental) == 4005
    assert sum("GOA" in sources for sources in found.sources.values()) == 4129
    ec = read_term_table(data_folder / "protein/ec_labels.tsv.gz")
    assert len(ec) == 4941
    assert np.array_equal(ec.counts(), ec.targets(list(ec.labels)).sum(0))
