"""What is no file is refused at once: a device would never end, a pipe would wait."""

import os

import pytest

from graphlearn.base.plain_files import file_hash, open_plain
from graphlearn.base.recipes.reading import load_recipe
from graphlearn.base.unpacking import read_unpacked, tar_members
from graphlearn.proteins import read_structure
from tdddft import InputError, read_field, read_molecules
from tdddft.dataset.index import read_index
from tdddft.molecules.selection import Selection, select

READERS = {
    "molecule.xyz": lambda path: read_molecules(str(path)),
    "field.csv": read_field,
    "chosen.txt": lambda path: select(read_molecules("H2"), Selection(indices=str(path))),
    "chain.pdb": read_structure,
    "chain.hash": file_hash,
    "index.jsonl": read_index,
    "recipe.yaml": lambda path: load_recipe(path, Selection),
    "set.tar": lambda path: list(tar_members(path)),
    "any": read_unpacked,
}


@pytest.fixture(params=["device", "pipe"])
def make(request):
    return (lambda path: path.symlink_to("/dev/zero")) if request.param == "device" else os.mkfifo


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", READERS)
def test_devices_and_pipes_are_refused_at_once_by_every_reader(name, make, tmp_path):
    make(tmp_path / name)
    with pytest.raises(InputError, match=name):
        READERS[name](tmp_path / name)


def test_a_file_is_opened_also_through_a_link_and_the_rest_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_plain(tmp_path / name) as file:
            assert file.read() == b"content"
    with pytest.raises(InputError, match="none: there is no such file"), open_plain(tmp_path / "none"):
        pass
    with pytest.raises(InputError, match=r"not readable|is a device or a pipe"), open_plain(tmp_path):
        pass
