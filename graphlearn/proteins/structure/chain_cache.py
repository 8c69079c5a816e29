"""Chains that were read once, kept on disk under the hash of what they were read from."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from graphlearn.base.cache import cache_folder
from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.files import replace_bytes
from graphlearn.proteins.structure.chain_store import ChainStore

SCHEMA_VERSION = 2  # raised when structures are read otherwise
TEXTS = ("names", "secondary_sources")
CacheFolder = Path | str | Literal[False] | None
_log = logging.getLogger(__name__)


class ChainCache:
    """Chains by key, one safetensors file per key, with a checksum that is verified when it is read.

    Args:
        folder: Where; None for ``proteins`` below :func:`graphlearn.base.cache.cache_folder`, False for none.
    """

    def __init__(self, folder: CacheFolder = None) -> None:
        chosen = cache_folder() / "proteins" if folder is None else folder
        self.folder = None if chosen is False else Path(chosen)

    def make(self, key: str, read: Callable[[], ChainStore]) -> ChainStore:
        """The chains of a key, read and kept if there are none.

        A damaged file is made anew; where the folder cannot be written to, nothing is kept. Both are logged.

        Args:
            key: Of :func:`content_key`.
            read: Reads the chains where none are kept.

        Returns:
            The chains, kept or newly read.
        """
        if self.folder is None:
            return read()
        file = self.folder / key[:2] / f"{key}.safetensors"
        try:
            if file.is_file():
                return _read(file)
        except (OSError, SafetensorError, ContractError, InputError, ValueError, KeyError, TypeError) as error:
            _log.info("%s is damaged (%s) and is made anew", file, error)
        store = read()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            arrays = {name: np.ascontiguousarray(array) for name, array in store.arrays().items()}
            texts = {name: json.dumps(getattr(store, name)) for name in TEXTS}
            replace_bytes(file, save(arrays, {**texts, "sha256": _checksum(arrays, texts)}))
        except OSError as error:
            _log.info("%s cannot be written (%s); chains are not kept", file, error)
        return store


def content_key(files: Mapping[str, str], **options: object) -> str:
    """Hash of what chains are made from.

    Args:
        files: SHA-256 of each file, by the role that it plays.
        **options: Whatever else the chains depend on.

    Returns:
        SHA-256 in hexadecimal digits.
    """
    return hashlib.sha256(json.dumps([SCHEMA_VERSION, dict(files), options], sort_keys=True).encode()).hexdigest()


def _read(file: Path) -> ChainStore:
    with safe_open(file, framework="numpy") as content:
        metadata = content.metadata() or {}
        arrays = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 (it is no mapping)
    texts = {key: metadata[key] for key in TEXTS}
    if _checksum(arrays, texts) != metadata["sha256"]:
        raise ContractError("its checksum differs")
    values: dict[str, Any] = {**arrays, **{key: tuple(json.loads(text)) for key, text in texts.items()}}
    return ChainStore(**values)


def _checksum(arrays: Mapping[str, np.ndarray], texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(texts, sort_keys=True).encode())
    for key in sorted(arrays):
        digest.update(f"{key}{arrays[key].dtype}{arrays[key].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[key]).data)
    return digest.hexdigest()
