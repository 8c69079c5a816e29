"""Similar sequences, by local alignment in this package or by MMseqs2."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from graphlearn.base.errors import InputError
from graphlearn.proteins.sequence.alignment import AMINO_ACIDS, AlignmentSearch

SearchProgram = Literal["align", "mmseqs"]
DEFAULT_SEARCH: SearchProgram = "align"
_OTHER = re.compile(f"[^{AMINO_ACIDS}]")


class Hit(NamedTuple):
    """A sequence similar to the query.

    Attributes:
        query: Name.
        target: Name.
        identity: Equal residues over the columns of the alignment, 0 to 1.
    """

    query: str
    target: str
    identity: float


def check_search(method: str) -> None:
    """Whether a search program can be used here, checked before any long computation.

    Args:
        method: ``align`` or ``mmseqs``.

    Raises:
        InputError: if it is unknown or not installed.
    """
    if method not in get_args(SearchProgram):
        raise InputError(f"unknown search program {method!r}; one of {', '.join(get_args(SearchProgram))} is needed")
    if method == "mmseqs" and shutil.which("mmseqs") is None:
        raise InputError("mmseqs is not on the PATH; install MMseqs2, or choose the search program align")


class SequenceSearch:
    """Targets that are prepared once and searched for many queries.

    Args:
        targets: Sequences by name, one-letter code; what is none of the 20 amino acids counts as X.
        evalue: Hits that chance would give more often than this are left out.
        candidates: Targets to align a query with, at most (``align`` only).
        method: ``align`` (``AlignmentSearch``, needs nothing installed) or ``mmseqs`` (easy-search with its defaults;
            Steinegger and Soeding, Nature Biotechnology 35, 1026, 2017). The two find different hits, so the result
            never depends on which programs are installed.

    Raises:
        InputError: if a sequence is empty, or the method is unknown or not installed.
    """

    def __init__(
        self,
        targets: Mapping[str, str],
        *,
        evalue: float = 1e-3,
        candidates: int = 20,
        method: SearchProgram = DEFAULT_SEARCH,
    ) -> None:
        check_search(method)
        self.targets, self.evalue, self.candidates, self.method = _cleaned(targets), evalue, candidates, method

    @cached_property
    def _alignment(self) -> AlignmentSearch:
        return AlignmentSearch(list(self.targets.values()))

    def hits(self, queries: Mapping[str, str]) -> list[Hit]:
        """Hits of all queries, in their order, the most identical first.

        Args:
            queries: Sequences by name.

        Returns:
            The hits; none where there are no queries or no targets.

        Raises:
            InputError: if a sequence is empty, or mmseqs fails.
        """
        cleaned = _cleaned(queries)
        if not cleaned or not self.targets:
            return []
        found = (self._with_mmseqs if self.method == "mmseqs" else self._by_alignment)(cleaned)
        order = {name: index for index, name in enumerate(cleaned)}
        return sorted(found, key=lambda hit: (order[hit.query], -hit.identity, hit.target))

    def _by_alignment(self, queries: Mapping[str, str]) -> Iterator[Hit]:
        names = list(self.targets)
        for query, sequence in queries.items():
            for index, identity in self._alignment.hits(sequence, self.evalue, self.candidates):
                yield Hit(query, names[index], identity)

    def _with_mmseqs(self, queries: Mapping[str, str]) -> Iterator[Hit]:
        """Sequences are named by number: mmseqs splits names at bars and blanks."""
        names = [list(queries), list(self.targets)]
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder, "query.fasta"), Path(folder, "target.fasta")]
            for file, sequences in zip(files, (queries, self.targets), strict=True):
                file.write_text("".join(f">{i}\n{s}\n" for i, s in enumerate(sequences.values())))
            table = Path(folder, "hits.tsv")
            options = ("-e", str(self.evalue), "--format-output", "query,target,fident", "--threads", "1", "-v", "1")
            command = ["mmseqs", "easy-search", *map(str, files), str(table), str(Path(folder, "work")), *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = (done.stderr or done.stdout).strip()[-400:]
                raise InputError(f"mmseqs failed: {said}; or choose the search program align")
            for line in table.read_text().splitlines():
                query, target, identity = line.split("\t")
                yield Hit(names[0][int(query)], names[1][int(target)], float(identity))


def search_sequences(
    queries: Mapping[str, str], targets: Mapping[str, str], *, method: SearchProgram = DEFAULT_SEARCH
) -> list[Hit]:
    """Find the targets that are similar to each query, see :class:`SequenceSearch`.

    Args:
        queries: Sequences by name.
        targets: Sequences by name.
        method: ``align`` or ``mmseqs``.

    Returns:
        Hits of all queries, in their order, the most identical first.

    Raises:
        InputError: if the search program is unknown or not installed, a sequence is empty, or mmseqs fails.
    """
    return SequenceSearch(targets, method=method).hits(queries)


def _cleaned(sequences: Mapping[str, str]) -> dict[str, str]:
    """Upper case, and X for what is none of the 20 amino acids; InputError for what is no sequence."""
    for name, sequence in sequences.items():
        if not sequence or not (sequence.isascii() and sequence.isalpha()):
            raise InputError(f"the sequence of {name} is empty or holds what is no letter: {sequence[:40]!r}")
    return {name: _OTHER.sub("X", sequence.upper()) for name, sequence in sequences.items()}
