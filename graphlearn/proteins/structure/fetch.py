"""Structures of the PDB by their codes, fetched once, with a checksum of what came."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from graphlearn.base.errors import InputError
from graphlearn.base.files import replace_text
from graphlearn.base.plain_files import file_hash
from graphlearn.proteins.structure.read import read_structure

CHECKSUMS = "SHA256SUMS"
_CODE = re.compile(r"[0-9][A-Za-z0-9]{3}")


class Fetched(NamedTuple):
    """Files by code, and codes without one, with the reason."""

    files: dict[str, Path]
    failures: dict[str, str]


def fetch_structures(
    codes: Iterable[str], folder: Path | str, *, server: str | None = None, tries: int = 3, wait_s: float = 2.0
) -> Fetched:
    """Fetch mmCIF files with Biopython's ``PDBList``.

    A file that is there, is listed in the folder's ``SHA256SUMS`` and still has its checksum is not fetched again; one
    that was changed or cut off is.

    Args:
        codes: Of the PDB, like ``1ABC``.
        folder: Where to; made if it is not there.
        server: Address of a mirror; Biopython's by default.
        tries: How often to try a code.
        wait_s: Seconds before the second try, twice as many before each further one.

    Returns:
        Files, and what could not be fetched, with the reason for each code; a missing network raises nothing.

    Raises:
        InputError: for a code that is none.
    """
    from Bio.PDB.PDBList import PDBList

    wanted = pdb_codes(codes)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    source = PDBList(pdb=str(folder), verbose=False, **({} if server is None else {"server": server}))
    listed = folder / CHECKSUMS
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    sums = {name: value for value, mark, name in (line.partition("  ") for line in lines) if mark}
    files, failures = {}, {}
    for code in wanted:
        file = folder / f"{code.lower()}.cif"
        if file.name not in sums or not file.is_file() or file_hash(file) != sums[file.name]:
            try:
                _fetch(source, code, file, tries, wait_s)
            except InputError as error:
                failures[code] = str(error)
                continue
            sums[file.name] = file_hash(file)
            replace_text(listed, "".join(f"{value}  {name}\n" for name, value in sorted(sums.items())))
        files[code] = file
    return Fetched(files, failures)


def pdb_codes(codes: Iterable[str]) -> list[str]:
    """Codes of the PDB in capital letters, each once.

    Args:
        codes: Codes in upper or lower case.

    Returns:
        The codes, in the order in which they first occur.

    Raises:
        InputError: for a code that is none.
    """
    wanted = list(dict.fromkeys(code.upper() for code in codes))
    if wrong := [code for code in wanted if not _CODE.fullmatch(code)]:
        raise InputError(f"{wrong[0]!r} is no code of the PDB; they look like 1ABC")
    return wanted


def _fetch(source: object, code: str, file: Path, tries: int, wait_s: float) -> None:
    """Fetch one file and see that it holds a protein.

    Raises:
        InputError: if every try fails.
    """
    reason = "the server does not have it, or there is no network"
    for number in range(tries):
        if number:
            time.sleep(wait_s * 2 ** (number - 1))
        try:
            found = source.retrieve_pdb_file(  # type: ignore[attr-defined]
                code, pdir=str(file.parent), file_format="mmCif", overwrite=True
            )
            if found is not None and Path(found).is_file():
                read_structure(found)
                return
        except (OSError, EOFError, InputError) as error:
            reason = str(error)
    file.unlink(missing_ok=True)
    raise InputError(f"{code}: could not be fetched in {tries} tries ({reason})")
