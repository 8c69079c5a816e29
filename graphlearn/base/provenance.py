"""Which versions of which packages made a file."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("graphlearn", "pyscf", "numpy", "scipy", "h5py", "torch", "torch-geometric", "e3nn")


def package_versions() -> dict[str, str]:
    """Versions of the packages that matter to the numbers, by name; absent packages are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
