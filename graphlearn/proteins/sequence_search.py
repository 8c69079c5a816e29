"""Similar sequences: MMseqs2 where it is installed, else shared words and local alignment."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from tdddft.errors import InputError

AMINO_ACIDS = "ARNDCQEGHILKMFPSTWYV"
# Karlin and Altschul's lambda and K of BLOSUM62 with gaps of 11 and 1.
LAMBDA, KAPPA = 0.267, 0.041
GAP_OPEN, GAP_EXTEND = -12.0, -1.0  # The first residue of a gap costs both, 11 + 1.
_WORD = 3
_CODE = np.full(128, -1, dtype=np.int64)
_CODE[np.frombuffer(AMINO_ACIDS.encode(), dtype=np.uint8)] = np.arange(len(AMINO_ACIDS))


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


def search_sequences(
    queries: Mapping[str, str],
    targets: Mapping[str, str],
    *,
    evalue: float = 1e-3,
    candidates: int = 20,
    method: str = "auto",
) -> list[Hit]:
    """Find the targets that are similar to each query.

    Args:
        queries: Sequences by name, one-letter code; what is none of the 20 amino acids counts as X.
        targets: Likewise, to be found.
        evalue: Hits that chance would give more often than this are left out.
        candidates: Targets to align a query with, those that share most words of three residues (``align`` only).
        method: ``mmseqs`` (easy-search with its defaults; Steinegger and Soeding, Nature Biotechnology 35, 1026, 2017),
            ``align`` (Smith-Waterman with BLOSUM62, needs Biopython; finds less of remote homologues), or ``auto``:
            mmseqs where it is on the PATH.

    Returns:
        Hits of all queries, in their order, the most identical first.

    Raises:
        InputError: if a sequence is empty, the method is unknown, or mmseqs is absent or fails.
    """
    for name, sequence in (*queries.items(), *targets.items()):
        if not sequence or not (sequence.isascii() and sequence.isalpha()):
            raise InputError(f"the sequence of {name} is empty or holds what is no letter: {sequence[:40]!r}")
    if method not in ("auto", "mmseqs", "align"):
        raise InputError(f"unknown method {method!r}; one of auto, mmseqs and align is needed")
    if not queries or not targets:
        return []
    program = shutil.which("mmseqs") if method != "align" else None
    if method == "mmseqs" and program is None:
        raise InputError("mmseqs is not on the PATH; install MMseqs2, or take the method align")
    found = (
        _search_with_mmseqs(program, queries, targets, evalue)
        if program
        else _search_by_alignment(queries, targets, evalue, candidates)
    )
    order = {name: index for index, name in enumerate(queries)}
    return sorted(found, key=lambda hit: (order[hit.query], -hit.identity, hit.target))


def _search_with_mmseqs(
    program: str, queries: Mapping[str, str], targets: Mapping[str, str], evalue: float
) -> Iterator[Hit]:
    """Sequences go by number: mmseqs takes names apart at bars and blanks."""
    names = [list(queries), list(targets)]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, "query.fasta"), Path(folder, "target.fasta")]
        for file, sequences in zip(files, (queries, targets), strict=True):
            file.write_text("".join(f">{i}\n{_clean(s)}\n" for i, s in enumerate(sequences.values())))
        table = Path(folder, "hits.tsv")
        options = ("-e", str(evalue), "--format-output", "query,target,fident", "--threads", "1", "-v", "1")
        command = [program, "easy-search", *map(str, files), str(table), str(Path(folder, "work")), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"mmseqs failed: {(done.stderr or done.stdout).strip()[-400:]}; or take the method align")
        for line in table.read_text().splitlines():
            query, target, identity = line.split("\t")
            yield Hit(names[0][int(query)], names[1][int(target)], float(identity))


def _search_by_alignment(
    queries: Mapping[str, str], targets: Mapping[str, str], evalue: float, candidates: int
) -> Iterator[Hit]:
    aligner = _aligner()
    clean = [(name, _clean(sequence)) for name, sequence in targets.items()]
    words = _words([sequence for _, sequence in clean]).T.tocsr()
    residues = sum(len(sequence) for _, sequence in clean)
    for query, sequence in queries.items():
        sequence = _clean(sequence)
        shared = (_words([sequence]) @ words).toarray()[0]
        nearest = np.argsort(-shared, kind="stable")[:candidates]
        for index in nearest[shared[nearest] > 0]:
            target, other = clean[index]
            score = aligner.score(sequence, other)
            if _expected(score, len(sequence), residues) <= evalue:
                yield Hit(query, target, _identity(aligner.align(sequence, other)[0]))


def _aligner() -> Any:
    from Bio.Align import PairwiseAligner, substitution_matrices

    aligner = PairwiseAligner()
    aligner.mode = "local"
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")
    aligner.open_gap_score, aligner.extend_gap_score = GAP_OPEN, GAP_EXTEND
    return aligner


def _expected(score: float, length: int, residues: int) -> float:
    r"""Alignments of this score by chance, :math:`K m n e^{-\lambda S}` (Karlin and Altschul, PNAS 87, 2264, 1990)."""
    return KAPPA * length * residues * math.exp(-LAMBDA * score)


def _identity(alignment: Any) -> float:
    """Equal residues over columns, gaps within the alignment counted."""
    first, second = alignment[0], alignment[1]
    return sum(a == b != "X" for a, b in zip(first, second, strict=True)) / len(first)


def _clean(sequence: str) -> str:
    """Upper case, and X for what is none of the 20 amino acids."""
    return "".join(letter if letter in AMINO_ACIDS else "X" for letter in sequence.upper())


def _words(sequences: list[str]) -> csr_array:
    """Which words of three amino acids a sequence has, int64 [sequences, 8000]."""
    rows, columns = [], []
    for index, sequence in enumerate(sequences):
        codes = _CODE[np.frombuffer(sequence.encode(), dtype=np.uint8)]
        triples = np.lib.stride_tricks.sliding_window_view(codes, _WORD) if len(codes) >= _WORD else codes[:0, None]
        whole = triples[(triples >= 0).all(1)]
        words = np.unique(whole @ (len(AMINO_ACIDS) ** np.arange(whole.shape[1])))
        rows.append(np.full(len(words), index))
        columns.append(words)
    column, row = np.concatenate(columns), np.concatenate(rows)
    return csr_array(
        (np.ones(len(column), dtype=np.int64), (row, column)), shape=(len(sequences), len(AMINO_ACIDS) ** _WORD)
    )
