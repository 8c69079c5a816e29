"""Structures from a server of ours: fetched once, again after a fault, and checked."""

from __future__ import annotations

import gzip
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from protein_files import cif_text, pdb_text
from typer.testing import CliRunner

from graphlearn.base.errors import InputError
from graphlearn.cli import app
from graphlearn.proteins.structure.fetch import CHECKSUMS, fetch_structures


@pytest.fixture
def server():
    """Serves 1ABC after one fault; 2BAD is no structure."""
    asked: list[str] = []
    content = {"1abc": cif_text(pdb_text()).encode(), "2bad": b"data_nothing\n"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            code = self.path.rsplit("/", 1)[-1].split(".")[0]
            asked.append(code)
            if code not in content or asked.count(code) == 1:
                self.send_error(503 if code in content else 404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(gzip.compress(content[code]))

        def log_message(self, *_):
            pass

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}", asked
    found.shutdown()
    found.server_close()


@pytest.mark.filterwarnings("ignore::Bio.PDB.PDBExceptions.PDBConstructionWarning")
def test_a_structure_is_fetched_once_and_again_where_it_was_damaged(server, tmp_path):
    address, asked = server
    found = fetch_structures(["1abc", "1ABC"], tmp_path, server=address, wait_s=0.01)
    assert found.failures == {}
    assert found.files["1ABC"].stat().st_size > 1000
    assert asked == ["1abc", "1abc"]
    fetch_structures(["1ABC"], tmp_path, server=address)
    assert len(asked) == 2
    whole = found.files["1ABC"].read_bytes()
    found.files["1ABC"].write_bytes(whole[:100])
    assert fetch_structures(["1ABC"], tmp_path, server=address).files["1ABC"].read_bytes() == whole
    assert (tmp_path / CHECKSUMS).read_text().endswith("  1abc.cif\n")


def test_what_cannot_be_had_is_named(server, tmp_path):
    address, asked = server
    found = fetch_structures(["9XYZ", "2BAD"], tmp_path, server=address, tries=2, wait_s=0.01)
    assert found.files == {}
    assert "could not be fetched in 2 tries" in found.failures["9XYZ"]
    assert "2BAD" in found.failures
    assert not list(tmp_path.glob("*.cif"))
    assert asked.count("9xyz") == 2
    with pytest.raises(InputError, match="no code of the PDB"):
        fetch_structures(["ABCD"], tmp_path)


@pytest.mark.filterwarnings("ignore::Bio.PDB.PDBExceptions.PDBConstructionWarning")
def test_the_command_fetches_what_it_can_and_names_the_rest(server, tmp_path, monkeypatch):
    options = {"server": server[0], "tries": 2, "wait_s": 0.01}
    monkeypatch.setattr("graphlearn.proteins.structure.fetch.fetch_structures", partial(fetch_structures, **options))
    done = CliRunner().invoke(app, ["fetch", "1abc", "9XYZ", "1ABC", "--out", str(tmp_path / "new/structures")])
    assert done.exit_code == 1
    assert "9XYZ: could not be fetched" in done.output
    assert "1 of 2 structures" in done.output
    assert (tmp_path / "new/structures/1abc.cif").is_file()


def test_a_code_that_is_none_is_refused_before_anything_is_fetched(tmp_path):
    done = CliRunner().invoke(app, ["fetch", "1ABC", "lysozyme", "--out", str(tmp_path / "structures")])
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "structures").exists()
