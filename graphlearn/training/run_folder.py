"""The folder of a training: held by one process at a time, cleaned of what killed ones left half-written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphlearn.base.errors import InputError
from graphlearn.base.files import remove_temporaries
from graphlearn.base.locks import lock

LOCK = ".lock"
_OLD_TEMPORARIES = ("best.tmp", "model.tmp", "proposal.tmp", "training_state.tmp")  # of earlier versions


@contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Make a folder and hold it; a process that dies lets go of it.

    Args:
        folder: Of the training.

    Yields:
        Nothing; the folder is held until the end.

    Raises:
        InputError: if another training holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).touch()
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; choose another folder") from None
    with lock(folder / LOCK) as held:
        if not held:
            raise InputError(f"another training is at work in {folder}; wait for it, or choose another folder")
        remove_temporaries(folder)
        for name in _OLD_TEMPORARIES:
            (folder / name).unlink(missing_ok=True)
        yield
