"""Pages of predictions: what a browser shows is what the table says, and nothing that is shown is executed."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from protein_files import alpha_lines, atom_lines, cif_text, pdb_line, pdb_text, write

from graphlearn.proteins.prediction.page import prediction_page
from graphlearn.proteins.prediction.predictor import PredictedTerm, ProposedRegion, ProteinPrediction
from graphlearn.proteins.structure.drawn_atoms import drawn_atoms
from graphlearn.proteins.structure.read import read_chains

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
CASES = Path(__file__).parents[3] / "data" / "structures"
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome")
ATTACK = "</script><script>document.body.dataset.evil=1</script><img src=x onerror=document.body.dataset.evil=1>"
LIGANDS_OF_1GBT = {("A:701", "CA"), ("A:702", "SO4"), ("A:703", "SO4"), ("A:704", "GBS")}
READ_BACK = """
<script>
const found = viewer.getModel().selectedAtoms({}).map(a => [
  residueOf(a), a.resn, a.atom, a.elem, a.x, a.y, a.z, a.hetflag, a.hetflag ? "" : a.style.cartoon.colorfunc(a),
  a.hetflag ? "" : colour(data.choices[asked()].weights[data.residues.indexOf(residueOf(a))]), "stick" in a.style]);
const text = document.createElement("pre");
text.id = "atoms";
text.textContent = JSON.stringify(found);
document.body.append(text);
</script>
</body>"""


def prediction_of(structure, name="a term", weights=None):
    """A prediction that gives every residue another weight."""
    ids, length = structure.chain.residue_ids, len(structure.chain)
    weights = weights or tuple((i * 37 % 101) / 100 for i in range(length))
    term = PredictedTerm("GO:0003824", name, 0.75, ids[:3], weights)
    region = ProposedRegion(ids[0], 0.5, ids[:2])
    return ProteinPrediction(
        structure.chain.name, length, (term,), (region,), ids, weights, structure.chain.secondary,
        structure.chain.secondary_source, None, (),
    )  # fmt: skip


def page_of(structure, **options):
    return prediction_page(prediction_of(structure, **options), "file.pdb", drawn_atoms(structure))


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def shown(page, folder, place=0):
    """What a browser without a network makes of a page."""
    file = folder / "page.html"
    file.write_text(page)
    command = [
        BROWSER, "--headless", "--no-sandbox", "--enable-unsafe-swiftshader", "--proxy-server=127.0.0.1:9",
        "--virtual-time-budget=8000", f"--user-data-dir={folder}/profile", "--dump-dom", f"{file.as_uri()}#{place}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout


def atoms_of(dom):
    return json.loads(html.unescape(re.search(r'<pre id="atoms">(.*?)</pre>', dom, re.DOTALL)[1]))


def insertion_codes(folder):
    """The PDB form of an mmCIF file with insertion codes: its first chain, in author's numbers."""
    (structure,) = read_chains(CASES / "bp_1GBT.cif.gz")
    lines = []
    for residue in structure.residues:
        number, insertion = re.fullmatch(r"A:(-?\d+)([A-Z]?)", residue.id).groups()
        for name, element, xyz in zip(residue.atoms, residue.elements, residue.positions_angstrom, strict=True):
            lines.append(
                pdb_line(name, residue.name, "A", int(number), insertion or " ", xyz=tuple(xyz), element=element)
            )
    write(folder / "bp_1GBT.pdb", lines)
    return folder / "bp_1GBT.pdb"


@needs_browser
@pytest.mark.parametrize("kind", ["cif", "pdb"])
def test_atoms_read_back_from_the_browser_equal_the_table(tmp_path, kind):
    file = CASES / "bp_1GBT.cif.gz" if kind == "cif" else insertion_codes(tmp_path)
    (structure,) = read_chains(file)
    ids = structure.chain.residue_ids
    assert {"A:184", "A:184A", "A:188", "A:188A", "A:221", "A:221A"} <= set(ids)
    dom = shown(page_of(structure).replace("</body>", READ_BACK), tmp_path)
    atoms = atoms_of(dom)
    expected = [
        [r.id, r.name, name, [round(float(x), 3) for x in xyz]]
        for r in structure.residues
        for name, xyz in zip(r.atoms, r.positions_angstrom, strict=True)
    ]
    chain = [a for a in atoms if not a[7]]
    assert [[a[0], a[1], a[2], a[4:7]] for a in chain] == expected
    colours = {a[0]: a[8] for a in chain if a[2] == "CA"}
    assert colours == {a[0]: a[9] for a in chain if a[2] == "CA"}
    weights = dict(zip(ids, prediction_of(structure).terms[0].weights, strict=True))
    assert weights["A:184"] != weights["A:184A"]
    assert colours["A:184"] != colours["A:184A"]
    assert {a[0] for a in chain if a[10]} == {i for i, weight in weights.items() if weight > 0.5}
    assert {(a[0], a[1]) for a in atoms if a[7]} == (LIGANDS_OF_1GBT if kind == "cif" else set())


@needs_browser
def test_names_of_chains_files_and_terms_are_text_in_a_browser(tmp_path):
    text = cif_text(pdb_text()).splitlines()
    chain = ATTACK.replace(" ", "_").replace("'", "_")
    lines = []
    for line in text:
        fields = line.split()
        if line.startswith("ATOM"):
            fields = [chain if field == "A" else field for field in fields]
        lines.append(" ".join(fields))
    (tmp_path / "x.cif").write_text("\n".join(lines) + "\n")
    (structure,) = read_chains(tmp_path / "x.cif")
    assert structure.chain.name == f"X-{chain}"
    page = prediction_page(prediction_of(structure, name=ATTACK), ATTACK, drawn_atoms(structure))
    assert page.lower().count("</script>") == 3
    dom = shown(page, tmp_path)
    body = re.search(r"<body[^>]*>", dom)[0]
    assert 'data-ready="yes"' in body
    assert "data-evil" not in body
    assert html.escape(f"X-{chain}", quote=False) in dom
    assert html.escape(f"GO:0003824 {ATTACK}", quote=False) in dom


@needs_browser
@pytest.mark.parametrize("place", [0, 1])
def test_a_browser_draws_the_page_without_a_network(tmp_path, place):
    (structure,) = read_chains(write(tmp_path / "x.pdb", alpha_lines(30)))
    dom = shown(page_of(structure), tmp_path, place)
    body = re.search(r"<body[^>]*>", dom)[0]
    assert 'data-ready="yes"' in body
    assert f'data-shown="{["GO:0003824", "regions"][place]}"' in body
    assert "<canvas" in dom
    assert dom.count("<button") == 2


def test_names_cannot_break_out_of_the_page(tmp_path):
    (structure,) = read_chains(write(tmp_path / "x.pdb", alpha_lines(8)))
    prediction = prediction_of(structure, name=ATTACK)._replace(chain=ATTACK, warnings=(ATTACK,))
    page = prediction_page(prediction, ATTACK, drawn_atoms(structure))
    assert page.lower().count("</script>") == 3
    assert ATTACK not in page
    assert data_of(page)["name"] == ATTACK


def test_a_page_holds_one_chain_and_the_ligands_near_it(tmp_path):
    lines = []
    for number, chain in enumerate("ABCDEFGH"):
        lines += alpha_lines(60, chain=chain, start=(40.0 * number, 0, 0))
    lines += [
        pdb_line("C1", "GLC", "B", 301, xyz=(44.0, 2.0, 30.0), record="HETATM"),
        pdb_line("C1", "FAR", "B", 302, xyz=(44.0, 30.0, 30.0), record="HETATM"),
        pdb_line("C1", "GLC", "C", 301, xyz=(84.0, 2.0, 30.0), record="HETATM"),
        pdb_line("O", "HOH", "B", 303, xyz=(44.0, 3.0, 30.0), element="O", record="HETATM"),
    ]
    structures = read_chains(write(tmp_path / "x.pdb", lines))
    assert [s.chain.name for s in structures] == [f"X-{c}" for c in "ABCDEFGH"]
    drawn = drawn_atoms(structures[1])
    atoms = [line.split() for line in drawn.text.splitlines() if line.startswith(("ATOM", "HETATM"))]
    assert len(atoms) == 61
    assert [a[4] for a in atoms if a[0] == "HETATM"] == ["GLC"]
    assert list(drawn.ligands.values()) == ["B:301"]
    assert len(page_of(structures[1])) < len(page_of(structures[0])) + 200


def test_places_leave_a_gap_where_the_backbone_is_broken(tmp_path):
    lines = [line for line in atom_lines(pdb_text()) if line[22:26] not in ("   7", "   8")]
    (structure,) = read_chains(write(tmp_path / "x.pdb", lines))
    drawn = drawn_atoms(structure)
    assert drawn.places == (1, 2, 3, 4, 5, 6, *range(8, 20))
    (structure,) = read_chains(write(tmp_path / "y.pdb", alpha_lines(8)[:4] + alpha_lines(8)[5:]))
    assert drawn_atoms(structure).places == (1, 2, 3, 4, 6, 7, 8)


def test_atom_names_with_quotes_reach_the_page(tmp_path):
    lines = [*alpha_lines(8), pdb_line("C5'", "LIG", "A", 301, xyz=(2.3, 3.0, 0.0), record="HETATM")]
    lines.append(pdb_line('O"', "LIG", "A", 301, xyz=(2.3, 3.0, 1.0), element="O", record="HETATM"))
    (structure,) = read_chains(write(tmp_path / "x.pdb", lines))
    text = drawn_atoms(structure).text
    assert " C5' LIG " in text
    assert ' O" LIG ' in text
