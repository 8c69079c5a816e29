"""Truth tables of residues: masks by row, checked against the length of the chain."""

import numpy as np
import pytest

from graphlearn.base.errors import InputError
from graphlearn.proteins.data import sites as residue_sites
from graphlearn.proteins.text import table_rows

LENGTHS = {"1ABC-A": 5, "2ABC-B": 3}
CATALYTIC = "chain\tindex0\taa\tmcsa_id\tis_reference\treference\troles\n"
BINDING = "chain\tuniprot\tligand_class\tindex0_list\n"
INTERFACE = "chain\tscannet_subset\tlabels(1=interface,0=not,.=unmapped)\n"


@pytest.fixture
def write(tmp_path):
    def write_(text):
        path = tmp_path / "sites.tsv"
        path.write_text(text)
        return path

    return write_


def test_catalytic_residues(write):
    path = write(
        CATALYTIC + "1ABC-A\t4\tD\t1\t1\t1abcA\tacid\n1ABC-A\t0\tS\t1\t1\t1abcA\t\n2ABC-B\t1\tH\t1\t0\t1abcA\t\n"
    )
    found = residue_sites.read_catalytic_residues(path, LENGTHS)
    assert found["1ABC-A"].site.tolist() == [True, False, False, False, True]
    assert found["2ABC-B"].known.all()
    assert set(residue_sites.read_catalytic_residues(path, LENGTHS, reference_only=True)) == {"1ABC-A"}


def test_binding_residues(write):
    path = write(BINDING + "1ABC-A\tP1\tmetal\t0,2\n1ABC-A\tP1\tsmall\t2,3\n2ABC-B\tP2\tnuclear\t1\n")
    found = residue_sites.read_binding_residues(path, LENGTHS)
    assert np.flatnonzero(found["1ABC-A"].site).tolist() == [0, 2, 3]
    metal = residue_sites.read_binding_residues(path, LENGTHS, ligands=["metal"])
    assert np.flatnonzero(metal["1ABC-A"].site).tolist() == [0, 2]
    assert "2ABC-B" not in metal
    with pytest.raises(InputError, match="unknown ligands DNA"):
        residue_sites.read_binding_residues(path, LENGTHS, ligands=["DNA"])


def test_interface_residues(write):
    path = write(INTERFACE + "1ABC-A\ttest_70\t01..1\n2ABC-B\ttest_none\t000\n")
    found = residue_sites.read_interface_residues(path, LENGTHS)
    assert found["1ABC-A"].site.tolist() == [False, True, False, False, True]
    assert found["1ABC-A"].known.tolist() == [True, True, False, False, True]
    assert not found["2ABC-B"].site.any()
    assert set(residue_sites.read_interface_residues(path, LENGTHS, subsets=["test_none"])) == {"2ABC-B"}
    with pytest.raises(InputError, match="no chain of test_80"):
        residue_sites.read_interface_residues(path, LENGTHS, subsets=["test_80"])


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        ("catalytic", CATALYTIC + "1ABC-A\t5\tD\t1\t1\tx\t\n", "line 2: residue '5' of 1ABC-A; 0 to 4 are there"),
        ("catalytic", CATALYTIC + "1ABC-A\t-1\tD\t1\t1\tx\t\n", "line 2: residue '-1'"),
        ("catalytic", CATALYTIC + "1ABC-A\t0\tD\t1\t2\tx\t\n", "line 2: is_reference is '2'"),
        ("catalytic", CATALYTIC + "1ABC-B\t0\tD\t1\t1\tx\t\n", "line 2: unknown chain '1ABC-B'; did you mean"),
        ("catalytic", BINDING, "line 1: the header is"),
        ("binding", BINDING + "1ABC-A\tP1\tmetal\t0,\n", "line 2: residue ''"),
        ("binding", BINDING + "1ABC-A\tP1\tion\t0\n", "line 2: ligand 'ion'"),
        ("binding", BINDING + "1ABC-A\tP1\tmetal\t0\n1ABC-A\tP1\tmetal\t1\n", "line 3: 1ABC-A has a line of metal"),
        ("binding", BINDING + "1ABC-A\tmetal\t0\n", "line 2: 3 fields where the header has 4"),
        ("interface", INTERFACE + "1ABC-A\tx\t0101\n", "line 2: 4 labels of 1ABC-A; 5 of 0, 1 or . are needed"),
        ("interface", INTERFACE + "1ABC-A\tx\t0102.\n", "line 2: 5 labels"),
        ("interface", INTERFACE + "2ABC-B\tx\t010\n2ABC-B\tx\t010\n", "line 3: chain 2ABC-B has a line already"),
    ],
)
def test_faults_are_named(write, read, text, message):
    with pytest.raises(InputError, match=rf"sites\.tsv, {message}"):
        getattr(residue_sites, f"read_{read}_residues")(write(text), LENGTHS)


def test_bundled_sites_fit_their_chains(data_folder):
    folder = data_folder / "protein"
    header = (
        "chain\tlength\tstart_resnum\tneff\tnrpdb_go_split\tnrpdb_ec_split\tgo_test_lt30\tlt40\tlt50\tlt70\tlt95"
        "\tcluster30\tcluster50\tuniprot\tgo_source\tn_mf\tn_bp\tn_cc\tmcsa\tbinding\tppbs"
    )
    lengths = {row[0]: int(row[1]) for _, row in table_rows(folder / "chains.tsv.gz", header)}
    assert len(lengths) == 9594
    catalytic = residue_sites.read_catalytic_residues(folder / "mcsa_catalytic_residues.tsv.gz", lengths)
    binding = residue_sites.read_binding_residues(folder / "bindpredict_binding_residues.tsv.gz", lengths)
    interface = residue_sites.read_interface_residues(folder / "ppbs_interface_labels.tsv.gz", lengths)
    assert (len(catalytic), len(binding), len(interface)) == (376, 281, 682)
    assert sum(int(mask.site.sum()) for mask in catalytic.values()) == 2028
    of_class = [
        residue_sites.read_binding_residues(folder / "bindpredict_binding_residues.tsv.gz", lengths, ligands=[ligand])
        for ligand in residue_sites.LIGANDS
    ]
    assert [len(masks) for masks in of_class] == [169, 141, 24]
    assert sum(int(mask.site.sum()) for masks in of_class for mask in masks.values()) == 3874
    assert sum(int(mask.site.sum()) for mask in binding.values()) == 3732  # some bind ligands of two classes
