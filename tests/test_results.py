"""Tables and figures of README and cards are those of the stored results, and the check of them sees what differs."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from check_results import aim_rows, compare_fresh, differing_figures, differing_pages
from stored_results import Result, read_results, table_text, text_of

ROOT = Path(__file__).parent.parent
STORED = {
    "command": "python measure.py --out OUT", "date": "2026-01-01", "machine": "x86_64, 2 cores", "remeasured": True,
    "versions": {"torch": "2.13.0"}, "values": {"rows": [{"code": "a", "s": 1.5}, {"code": "b", "s": 6.0}]},
    "tables": {
        "table": {"rows": ["rows", "*"], "columns": {"code": "{code}", "s": "{s:.2f}", "over a": "{s/rows[0][s]:.1f}"}}
    },
    "tolerance": {"absolute": 0.0, "relative": 0.1, "why": "rounding"},
}  # fmt: skip
CAPTION = "`python measure.py --out OUT`; 2026-01-01, x86_64, 2 cores; torch 2.13.0."
TABLE = f"| code | s | over a |\n| --- | --- | --- |\n| a | 1.50 | 1.0 |\n| b | 6.00 | 4.0 |\n\n{CAPTION}"
BLOCK = f"<!-- results: speed -->\n{TABLE}\n<!-- end -->\n\n"
PAGE = f"# Page\n\n{BLOCK}b takes <!-- results: {{speed[rows][1][s]:.1f}} -->6.0<!-- end --> s.\n"


def stored(**changes):
    return Result.model_validate({**STORED, **changes})


@pytest.fixture
def repository(tmp_path):
    """A folder with one stored result and a README that shows it."""
    (tmp_path / "benchmarks/results").mkdir(parents=True)
    (tmp_path / "benchmarks/results/speed.json").write_text(json.dumps(STORED))
    (tmp_path / "README.md").write_text(PAGE)
    return tmp_path


def check(root, *options):
    command = [sys.executable, ROOT / "benchmarks/check_results.py", "--root", root, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_block_and_figure_of_the_repository_is_that_of_its_stored_result():
    results = read_results()
    assert list(differing_pages(ROOT, results)) == []
    assert list(differing_figures(ROOT, results)) == []
    assert [row for row in aim_rows(results) if not row[-1]] == []


def test_the_demo_of_the_readme_is_of_the_class_that_its_recipe_trains():
    for found in read_results()["demo"].values.values():
        assert next(iter(found["errors"])) == "ResponseOrbEvo"


def test_a_table_is_filled_from_the_numbers_with_ratios_of_one_run():
    assert table_text({"speed": stored()}, "speed", "table") == TABLE


def test_a_page_that_agrees_passes(repository):
    done = check(repository)
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_no_stored_result_is_named_in_one_line(repository):
    (repository / "benchmarks/results/other.json").write_text(json.dumps({**STORED, "summary": []}))
    done = check(repository)
    assert done.returncode == 1
    assert done.stderr.endswith("other.json: no stored result: summary: Extra inputs are not permitted\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("change", [("| 6.00 |", "| 5.00 |"), ("-->6.0<!--", "-->6.1<!--")])
def test_a_block_that_differs_fails_until_it_is_filled(repository, change):
    (repository / "README.md").write_text(PAGE.replace(*change))
    done = check(repository)
    assert done.returncode == 1
    assert "README.md: differs from the stored results in" in done.stderr
    assert check(repository, "--write").returncode == 0
    assert (repository / "README.md").read_text() == PAGE


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (PAGE.replace("b takes ", ""), "a marked number stands at the start of a line"),
        (PAGE.replace("-->6.0<!-- end -->", "-->6.0"), "a marked block has no end"),
        (PAGE.replace("results: speed ", "results: sped "), "a marked block cannot be filled"),
        (PAGE + "![x](docs/images/x.png)\n", "no stored result lists docs/images/x.png"),
    ],
)
def test_a_mark_that_leads_nowhere_fails(repository, page, message):
    (repository / "README.md").write_text(page)
    done = check(repository)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    ("aim", "code", "shown"),
    [
        ({"at_most": 4.0}, 0, "yes"),
        ({"at_least": 4.0}, 0, "yes"),
        ({"at_most": 3.9}, 1, "no, and no reason is recorded"),
        ({"at_least": 4.1}, 1, "no, and no reason is recorded"),
        ({"at_least": 4.1, "reason": "b is slow"}, 0, "no: b is slow"),
        ({"at_least": 1.0, "measured": "{rows[code=c][s]}"}, 1, "not measured: '0 rows with code=c'"),
    ],
)
def test_a_missed_aim_fails_unless_its_reason_is_recorded(repository, aim, code, shown):
    aims = [{"aim": "b over a", "measured": "{rows[code=b][s]/rows[0][s]:.1f}", **aim}]
    (repository / "benchmarks/results/speed.json").write_text(json.dumps({**STORED, "aims": aims}))
    done = check(repository)
    assert done.returncode == code, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if "b over a" in line)
    assert line.split()[-len(shown.split()) :] == shown.split()


def test_a_figure_that_the_command_did_not_write_fails(repository):
    (repository / "docs/images").mkdir(parents=True)
    shutil.copy(ROOT / "docs/images/demo_dipole.png", repository / "docs/images/x.png")
    right = hashlib.sha256((repository / "docs/images/x.png").read_bytes()).hexdigest()
    for checksum, problems in ((right, 0), ("0" * 64, 1)):
        figures = {"docs/images/x.png": {"source": "x.png", "sha256": checksum}}
        assert len(list(differing_figures(repository, {"speed": stored(figures=figures)}))) == problems


def test_a_ratio_of_two_runs_is_refused():
    results = {"one": stored(), "two": stored()}
    assert text_of("{one[rows][1][s]/one[rows][0][s]:.1f}", results) == "4.0"
    with pytest.raises(ValueError, match="a ratio of two runs, 'one' and 'two'"):
        text_of("{one[rows][1][s]/two[rows][0][s]:.1f}", results)


@pytest.mark.parametrize("key", ["ratio", "ratio_with_ground_state", "times_faster", "step_over_mean", "speed-up"])
def test_a_stored_ratio_is_refused(key):
    with pytest.raises(ValueError, match=f"form the ratio in a template: {key}"):
        stored(values={"rows": [{key: 9.4}]})
    stored(values={"iterations": 3, "duration_au": 2.0})


def test_a_result_that_is_not_measured_again_says_where_it_comes_from(repository):
    with pytest.raises(ValueError, match="where it comes from"):
        stored(remeasured=False)
    result = stored(remeasured=False, provenance="table of 2025-12-24 (commit abc)")
    last = table_text({"speed": result}, "speed", "table").splitlines()[-1]
    assert last == "`python measure.py --out OUT`; table of 2025-12-24 (commit abc); not measured again since."
    (repository / "benchmarks/results/speed.json").write_text(result.model_dump_json())
    check(repository, "--write")
    assert "not measured again since they were recorded: speed" in check(repository).stdout


def test_fresh_numbers_may_differ_by_the_stated_tolerance_and_no_more(tmp_path):
    for value, words in ((6.5, []), (6.7, ["speed[rows][1][s]: 6.7, stored 6"])):
        (tmp_path / "fresh.json").write_text(json.dumps({"rows": [{"code": "a", "s": 1.5}, {"code": "b", "s": value}]}))
        assert compare_fresh("speed", stored(), tmp_path / "fresh.json") == words
    (tmp_path / "fresh.json").write_text(json.dumps({"rows": [{"code": "c", "s": 1.5}, {"code": "b"}]}))
    assert compare_fresh("speed", stored(), tmp_path / "fresh.json") == [
        "speed[rows][0][code]: 'c', stored 'a'",
        "speed[rows][1][s]: only in the stored values",
    ]
    assert compare_fresh("speed", stored(tolerance=None), tmp_path / "fresh.json") == [
        "speed: the stored result states no tolerance"
    ]


def test_record_runs_the_command_and_keeps_numbers_figures_and_versions(repository):
    for name in ("record.py", "check_results.py", "stored_results.py"):
        shutil.copy(ROOT / "benchmarks" / name, repository / "benchmarks" / name)
    (repository / "measure.py").write_text(
        "import json, pathlib, sys\nout = pathlib.Path(sys.argv[2])\nout.mkdir()\n"
        "(out / 'numbers.json').write_text(json.dumps({'rows': [{'code': 'a', 's': 2.0}, {'code': 'b', 's': 9.0}]}))\n"
        "(out / 'x.png').write_bytes(b'picture')\n"
    )
    (repository / "docs/images").mkdir(parents=True)
    figures = {"docs/images/x.png": {"source": "x.png", "sha256": ""}}
    command = f"{sys.executable} measure.py --out OUT"
    content = {**STORED, "figures": figures, "command": command, "writes": "numbers.json", "remeasured": False}
    (repository / "benchmarks/results/speed.json").write_text(json.dumps({**content, "provenance": "new"}))
    subprocess.run([sys.executable, repository / "benchmarks/record.py", "speed"], check=True)
    result = read_results(repository / "benchmarks/results")["speed"]
    assert result.remeasured
    assert result.values["rows"][1]["s"] == 9.0
    assert result.versions["graphlearn"]
    assert (repository / "docs/images/x.png").read_bytes() == b"picture"
    assert check(repository).returncode == 0
    assert "| b | 9.00 | 4.5 |" in (repository / "README.md").read_text()
