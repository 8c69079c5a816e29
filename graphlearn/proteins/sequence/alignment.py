"""Search by alignment without another program: similar words on one diagonal, then Smith-Waterman."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

AMINO_ACIDS = "ARNDCQEGHILKMFPSTWYV"
# Karlin and Altschul's lambda and K of BLOSUM62 with gaps of 11 and 1.
LAMBDA, KAPPA = 0.267, 0.041
GAP_OPEN, GAP_EXTEND = -12.0, -1.0  # The first residue of a gap costs both, 11 + 1.
WORD_SCORE = 12  # Three residues that score less are no pair of similar words.
BAND = 16  # Diagonals that count as one, so that a short gap does not part them.
_LETTERS = len(AMINO_ACIDS)
_CODE = np.full(128, -1, dtype=np.int64)
_CODE[np.frombuffer(AMINO_ACIDS.encode(), dtype=np.uint8)] = np.arange(_LETTERS)


class AlignmentSearch:
    """Local alignment with BLOSUM62, gaps of 11 and 1, of the targets that look most promising; needs Biopython.

    A target looks promising by the summed scores of its words of three residues that are similar to words of the query
    and lie on about the same diagonal (Altschul et al., NAR 25, 3389, 1997).

    Args:
        targets: Sequences of the 20 amino acids and X.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        from Bio.Align import PairwiseAligner, substitution_matrices

        matrix = substitution_matrices.load("BLOSUM62")
        self.targets = list(targets)
        self.residues = sum(map(len, self.targets))
        self._aligner: Any = PairwiseAligner()
        self._aligner.mode = "local"
        self._aligner.substitution_matrix = matrix
        self._aligner.open_gap_score, self._aligner.extend_gap_score = GAP_OPEN, GAP_EXTEND
        self._scores = np.array([[matrix[a][b] for b in AMINO_ACIDS] for a in AMINO_ACIDS])
        placed = [_words(target) for target in self.targets]
        words, positions = (np.concatenate([p[k] for p in placed]) for k in (0, 1))
        owner = np.repeat(np.arange(len(placed)), [len(p[0]) for p in placed])
        order = np.argsort(words, kind="stable")
        self._positions, self._owner = positions[order], owner[order]
        self._starts = np.searchsorted(words[order], np.arange(_LETTERS**3 + 1))

    def hits(self, query: str, evalue: float, candidates: int) -> list[tuple[int, float]]:
        """Index and identity (equal residues over columns of the alignment) of the targets that are similar to a query.

        Args:
            query: Sequence of the 20 amino acids and X.
            evalue: Most alignments of such a score that chance would give.
            candidates: Most targets to align.

        Returns:
            Index of the target and identity, 0 to 1, of each target with an E-value of at most ``evalue``.
        """
        found = []
        for index in self._promising(query, candidates).tolist():
            target = self.targets[index]
            # Such scores by chance, K m n exp(-lambda S) (Karlin and Altschul, PNAS 87, 2264, 1990).
            expected = KAPPA * len(query) * self.residues * math.exp(-LAMBDA * self._aligner.score(query, target))
            if expected <= evalue:
                first, second = self._aligner.align(query, target)[0]
                equal = sum(a == b != "X" for a, b in zip(first, second, strict=True))
                found.append((index, equal / len(first)))
        return found

    def _promising(self, query: str, candidates: int) -> np.ndarray:
        """Targets with the best bands of diagonals, the best first."""
        words, places = _words(query)
        similar, weight, shift = [], [], []
        for word, place in zip(words.tolist(), places.tolist(), strict=True):
            a, b, c = (self._scores[letter] for letter in np.unravel_index(word, (_LETTERS,) * 3))
            alike = (a[:, None, None] + b[:, None] + c).ravel()
            similar.append(np.flatnonzero(alike >= WORD_SCORE))
            weight.append(alike[similar[-1]])
            shift.append(np.full(len(similar[-1]), len(query) - place))
        word = np.concatenate([np.empty(0, dtype=np.int64), *similar])
        counts = self._starts[word + 1] - self._starts[word]
        if not counts.any():
            return word[:0]
        entry = np.arange(counts.sum()) + np.repeat(self._starts[word] - (counts.cumsum() - counts), counts)
        weights, shifts = (np.repeat(np.concatenate(parts), counts) for parts in (weight, shift))
        diagonal, owner = self._positions[entry] + shifts, self._owner[entry]
        best = np.zeros(len(self.targets))
        for offset in (0, BAND // 2):  # Twice, so that no pair of near diagonals is parted by a border.
            width = int(diagonal.max() + offset) // BAND + 1
            cell = owner * width + (diagonal + offset) // BAND
            sums = np.bincount(cell, weights, len(best) * width)
            best = np.maximum(best, sums.reshape(len(best), width).max(1))
        order = np.argsort(-best, kind="stable")[:candidates]
        return order[best[order] > 0]


def _words(sequence: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the words of three amino acids, and where they begin; words with an X are left out."""
    codes = _CODE[np.frombuffer(sequence.encode(), dtype=np.uint8)]
    a, b, c = codes[:-2], codes[1:-1], codes[2:]
    places = np.flatnonzero((a >= 0) & (b >= 0) & (c >= 0)) if len(codes) > 2 else np.empty(0, dtype=np.int64)
    return (a[places] * _LETTERS + b[places]) * _LETTERS + c[places], places
