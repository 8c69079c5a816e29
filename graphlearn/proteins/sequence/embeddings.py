"""Embeddings of residues by the protein language model ESM-2, from a local folder, kept on disk."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from graphlearn.base.cache import cache_folder
from graphlearn.base.errors import InputError, first_line
from graphlearn.base.files import replace_bytes
from graphlearn.base.plain_files import file_hash
from graphlearn.proteins.structure.chain_cache import CacheFolder

OVERLAP = 64
WEIGHTS = "model.safetensors"


class EsmEmbedder:
    """Embeddings of ESM-2 (Lin et al., Science 379, 1123, 2023), of its last layer.

    Needs the extra ``graphlearn[esm]``. The folder is one that ``transformers`` has saved, with its weights in
    ``model.safetensors``; weights in any other form (which are pickles) are not read, code in the folder is not run,
    and nothing is fetched.

    Attributes:
        width: Features per residue.

    Args:
        folder: Of the model and its tokenizer.
        cache: Where embeddings are kept, by model and sequence; None for ``esm`` below
            :func:`graphlearn.base.cache.cache_folder`, False for nowhere.
        longest: Residues that the model sees at once; longer chains are seen in overlapping pieces.

    Raises:
        InputError: without the extra, or if the folder holds no such model.
    """

    def __init__(self, folder: Path | str, *, cache: CacheFolder = None, longest: int = 1022) -> None:
        if longest <= 2 * OVERLAP:
            raise InputError(f"longest={longest}; pieces must be longer than {2 * OVERLAP} residues")
        try:
            from transformers import EsmModel, EsmTokenizer
        except ImportError:
            raise InputError("ESM needs the extra esm: pip install 'graphlearn[esm]'") from None
        self.folder, self.longest = Path(folder), longest
        if not (self.folder / WEIGHTS).is_file():
            raise InputError(
                f"{self.folder}: holds no ESM-2 model of transformers (no {WEIGHTS}; other forms are not read)"
            )
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self.tokenizer = EsmTokenizer.from_pretrained(self.folder, **local)
            self.model = EsmModel.from_pretrained(
                self.folder, use_safetensors=True, add_pooling_layer=False, **local
            ).eval()
        except (OSError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
            raise InputError(f"{self.folder}: holds no ESM-2 model of transformers ({first_line(error)})") from None
        self.width = int(self.model.config.hidden_size)
        chosen = cache_folder() / "esm" if cache is None else cache
        key = file_hash(self.folder / WEIGHTS)[:16]
        self.cache = None if chosen is False else Path(chosen) / key

    def __call__(self, sequence: str) -> np.ndarray:
        """Embed a sequence of L residues, one letter each: float32 [L, width]."""
        if self.cache is None:
            return self._embed(sequence)
        name = hashlib.sha256(f"{self.longest} {sequence}".encode()).hexdigest()
        file = self.cache / name[:2] / f"{name}.safetensors"
        with suppress(OSError, KeyError, SafetensorError):  # absent or damaged: computed again
            kept: np.ndarray = load_file(file)["embedding"]
            if kept.shape == (len(sequence), self.width):
                return kept
        found = self._embed(sequence)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(file, save({"embedding": found}))
        return found

    def _embed(self, sequence: str) -> np.ndarray:
        """Piece by piece; a residue in two pieces takes that in which it is further from an end."""
        found = np.empty((len(sequence), self.width), dtype=np.float32)
        step = self.longest - 2 * OVERLAP
        for start in range(0, max(len(sequence) - 2 * OVERLAP, 1), step):
            piece = sequence[start : start + self.longest]
            skipped = OVERLAP if start else 0
            found[start + skipped : start + len(piece)] = self._one(piece)[skipped:]
        return found

    def _one(self, piece: str) -> np.ndarray:
        import torch

        tokens = self.tokenizer(piece, return_tensors="pt", add_special_tokens=True)
        with torch.no_grad():
            states = self.model(**tokens).last_hidden_state[0, 1:-1]
        if len(states) != len(piece):
            raise InputError(f"{self.folder}: the tokenizer makes {len(states)} tokens of {len(piece)} residues")
        return np.asarray(states.float().numpy())
