"""Similar sequences, by our own local alignment or by MMseqs2, whichever is asked for."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from graphlearn.proteins.sequence_alignment import AMINO_ACIDS, AlignmentSearch
from tdddft.errors import InputError

SearchProgram = Literal["align", "mmseqs"]
DEFAULT_SEARCH: SearchProgram = "align"


class Hit(NamedTuple):
    """A sequence like the query.

    Attributes:
        query: Name.
        target: Name.
        identity: Equal residues over the columns of the alignment, 0 to 1.
    """

    query: str
    target: str
    identity: float


def check_search(method: str) -> None:
    """Whether a search program can be used here, before anything long begins.

    Raises:
        InputError: if it is unknown or not installed.
    """
    if method not in get_args(SearchProgram):
        raise InputError(f"unknown search program {method!r}; one of {', '.join(get_args(SearchProgram))} is needed")
    if method == "mmseqs" and shutil.which("mmseqs") is None:
        raise InputError("mmseqs is not on the PATH; install MMseqs2, or choose the search program align")


def search_sequences(
    queries: Mapping[str, str],
    targets: Mapping[str, str],
    *,
    evalue: float = 1e-3,
    candidates: int = 20,
    method: SearchProgram = DEFAULT_SEARCH,
) -> list[Hit]:
    """Find the targets that are similar to each query.

    Args:
        queries: Sequences by name, one-letter code; what is none of the 20 amino acids counts as X.
        targets: Likewise, to be found.
        evalue: Hits that chance would give more often than this are left out.
        candidates: Targets to align a query with, at most (``align`` only).
        method: ``align`` (``AlignmentSearch``, needs nothing installed) or ``mmseqs`` (easy-search with its defaults;
            Steinegger and Soeding, Nature Biotechnology 35, 1026, 2017). The two find different hits, so the result
            never depends on which programs are installed.

    Returns:
        Hits of all queries, in their order, the most identical first.

    Raises:
        InputError: if a sequence is empty, the method is unknown, or mmseqs is absent or fails.
    """
    for name, sequence in (*queries.items(), *targets.items()):
        if not sequence or not (sequence.isascii() and sequence.isalpha()):
            raise InputError(f"the sequence of {name} is empty or holds what is no letter: {sequence[:40]!r}")
    check_search(method)
    if not queries or not targets:
        return []
    found = (
        _search_with_mmseqs(queries, targets, evalue)
        if method == "mmseqs"
        else _search_by_alignment(queries, targets, evalue, candidates)
    )
    order = {name: index for index, name in enumerate(queries)}
    return sorted(found, key=lambda hit: (order[hit.query], -hit.identity, hit.target))


def _search_with_mmseqs(queries: Mapping[str, str], targets: Mapping[str, str], evalue: float) -> Iterator[Hit]:
    """Sequences go by number: mmseqs takes names apart at bars and blanks."""
    names = [list(queries), list(targets)]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, "query.fasta"), Path(folder, "target.fasta")]
        for file, sequences in zip(files, (queries, targets), strict=True):
            file.write_text("".join(f">{i}\n{_clean(s)}\n" for i, s in enumerate(sequences.values())))
        table = Path(folder, "hits.tsv")
        options = ("-e", str(evalue), "--format-output", "query,target,fident", "--threads", "1", "-v", "1")
        command = ["mmseqs", "easy-search", *map(str, files), str(table), str(Path(folder, "work")), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-400:]
            raise InputError(f"mmseqs failed: {said}; or choose the search program align")
        for line in table.read_text().splitlines():
            query, target, identity = line.split("\t")
            yield Hit(names[0][int(query)], names[1][int(target)], float(identity))


def _search_by_alignment(
    queries: Mapping[str, str], targets: Mapping[str, str], evalue: float, candidates: int
) -> Iterator[Hit]:
    names = list(targets)
    search = AlignmentSearch([_clean(sequence) for sequence in targets.values()])
    for query, sequence in queries.items():
        for index, identity in search.hits(_clean(sequence), evalue, candidates):
            yield Hit(query, names[index], identity)


def _clean(sequence: str) -> str:
    """Upper case, and X for what is none of the 20 amino acids."""
    return "".join(letter if letter in AMINO_ACIDS else "X" for letter in sequence.upper())
