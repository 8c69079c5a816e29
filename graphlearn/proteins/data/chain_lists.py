"""The list and identity files of DeepFRI: training, validation and test chains, and their sequence identity."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.proteins.text import check_chain, numbered_lines


def read_chain_list(path: Path | str, *, known: Collection[str] | None = None) -> list[str]:
    """Read the chains of a list file (``..._train.txt``), one per line, in their order.

    Args:
        path: The file, plain or packed.
        known: Chains that there are; None takes any.

    Returns:
        Names of the chains, in the order of the file.

    Raises:
        InputError: if a line is no name of a chain, a chain is unknown or stands twice; names file and line.
    """
    chains: dict[str, int] = {}
    for number, line in numbered_lines(path):
        chain = check_chain(line.strip(), f"{path}, line {number}", known)
        if chain in chains:
            raise InputError(f"{path}, line {number}: chain {chain} stands in line {chains[chain]} already")
        chains[chain] = number
    return list(chains)


def read_identity_bins(path: Path | str) -> dict[str, frozenset[str]]:
    """Read which test chains are below which sequence identity to the training chains (``..._test.csv``).

    Args:
        path: The file, plain or packed: ``PDB-chain,<30%,<40%,...`` and rows of 0 and 1.

    Returns:
        Chains of each bin, for example of ``<30%``, as the file says: a bin holds those before it but for a few chains
            of DeepFRI's files.

    Raises:
        InputError: if a line is malformed or a chain stands twice; names file and line.
    """
    lines = numbered_lines(path)
    number, header = next(lines)
    first, *bins = header.split(",")
    if first != "PDB-chain" or not bins:
        raise InputError(f"{path}, line {number}: the header is {header[:60]!r}, but 'PDB-chain,<30%,...' is needed")
    members: dict[str, list[str]] = {name: [] for name in bins}
    seen: set[str] = set()
    for number, line in lines:
        where = f"{path}, line {number}"
        chain, *flags = line.split(",")
        if len(flags) != len(bins) or not set(flags) <= {"0", "1"}:
            raise InputError(f"{where}: a chain and {len(bins)} times 0 or 1 are needed, found {line[:60]!r}")
        if check_chain(chain, where) in seen:
            raise InputError(f"{where}: chain {chain} has a line already; keep one of them")
        seen.add(chain)
        for name, flag in zip(bins, flags, strict=True):
            if flag == "1":
                members[name].append(chain)
    return {name: frozenset(chains) for name, chains in members.items()}
