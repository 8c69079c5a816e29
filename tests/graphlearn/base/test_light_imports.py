"""The foundations are cheap to import: any script may use their errors and files."""

import subprocess
import sys

import pytest

MODULES = (
    "", ".cache", ".device", ".download", ".errors", ".extras", ".file_names", ".files", ".lazy_names", ".limits",
    ".locks", ".machine", ".plain_files", ".plotting", ".provenance", ".tables", ".unpacking", ".recipes",
    ".workers", ".cli",
)  # fmt: skip
HEAVY = ("torch", "pydantic", "h5py", "numpy", "matplotlib", "rich", "tdddft")
CODE = """
import sys, time
started = time.process_time()
import graphlearn.base{module}
print(time.process_time() - started, *set({heavy}) & set(sys.modules))
"""


@pytest.mark.parametrize("module", MODULES)
def test_an_import_loads_no_heavy_library_and_takes_less_than_a_tenth_of_a_second(module):
    seconds = []
    for _ in range(3):  # the first one may compile
        code = CODE.format(module=module, heavy=HEAVY)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        time, *loaded = done.stdout.split()
        assert loaded == []
        seconds.append(float(time))
    assert min(seconds) < 0.1
