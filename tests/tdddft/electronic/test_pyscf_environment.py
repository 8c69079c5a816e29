"""The configuration file that PySCF is given."""

import pytest

from tdddft.electronic.pyscf_environment import CONFIGURATION, SETTINGS, set_pyscf_environment


@pytest.mark.parametrize("named", [{}, {CONFIGURATION: ""}, {CONFIGURATION: "no-such-file"}, {CONFIGURATION: ".."}])
def test_where_the_user_names_no_file_pyscf_gets_ours(named):
    set_pyscf_environment(named)
    assert named == {CONFIGURATION: str(SETTINGS)}
    assert "DISABLE_EVAL = True" in SETTINGS.read_text()


def test_a_file_that_the_user_names_is_kept(tmp_path):
    (tmp_path / "mine.py").write_text("MAX_MEMORY = 1234\n")
    environment = {CONFIGURATION: str(tmp_path / "mine.py")}
    set_pyscf_environment(environment)
    assert environment == {CONFIGURATION: str(tmp_path / "mine.py")}
