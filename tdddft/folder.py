"""The data-set folder: resolved recipe, index of trajectories, the trajectories themselves, a log."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tdddft.errors import InputError
from tdddft.files import remove_temporaries, replace_text
from tdddft.recipe import GenerateRecipe
from tdddft.recipe_files import differing_keys, load_recipe, recipe_hash
from tdddft.run_state import is_locked, lock
from tdddft.selection import changed_molecule, chosen_names
from tdddft.trajectory import Trajectory, read_trajectory
from tdddft.validation import failures

Record = dict[str, Any]


@dataclass(frozen=True)
class DatasetFolder:
    """One data set on disk.

    ``recipe.yaml`` (resolved), ``selection.csv`` (the chosen molecules), ``index*.jsonl`` (one line an event, the last
    line of an id counts), ``trajectories/`` (one file each), ``unfinished/`` (checkpoints), ``log``. Several runs may
    work in one folder if each has its own shard: a run writes the index of its shard alone.

    Args:
        root: The folder.
        shard: Number of the shard and number of shards, from (1, 1); None for an undivided data set.
    """

    root: Path
    shard: tuple[int, int] | None = None

    @property
    def trajectories(self) -> Path:
        """Where the trajectory files lie."""
        return self.root / "trajectories"

    @property
    def selection(self) -> Path:
        """Table of the chosen molecules."""
        return self.root / "selection.csv"

    @property
    def index(self) -> Path:
        """Index that this run writes."""
        return self.root / f"index{self._part}.jsonl"

    @property
    def run_file(self) -> Path:
        """What this run is doing, see :mod:`tdddft.run_state`."""
        return self.root / f"run{self._part}.json"

    @property
    def _part(self) -> str:
        return "" if self.shard is None else "-{}of{}".format(*self.shard)

    def path(self, identifier: str) -> Path:
        """File of one trajectory."""
        return self.trajectories / f"{identifier}.h5"

    def checkpoint(self, identifier: str) -> Path:
        """File that keeps an unfinished trajectory."""
        return self.root / "unfinished" / f"{identifier}.h5"

    @contextmanager
    def opened(self, recipe: GenerateRecipe, selection: str) -> Iterator[None]:
        """Hold the folder, or the shard, for one run at a time, as the folder of a recipe and its molecules.

        Several shards of one division may hold the folder together; a run that dies lets go.

        Args:
            recipe: What the folder is for.
            selection: Table of the chosen molecules (:func:`tdddft.selection.selection_table`).

        Raises:
            InputError: if another run holds it, it belongs to another recipe (the differing keys are named) or to
                other molecules, or it is not writable. Nothing is changed then.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / ".lock").touch()
        except OSError as error:
            raise InputError(f"cannot write to {self.root}: {error.strerror}; choose another --out") from None
        with ExitStack() as stack:
            locks = [lock(self.root / ".lock", shared=self.shard is not None)]
            locks += [lock(self.root / f".lock{self._part}")] if self.shard else []
            if not all(stack.enter_context(one) for one in locks) or self._divided_otherwise():
                raise InputError(
                    f"another run is generating into {self.root}; wait for it, choose another --out, or divide "
                    "the work with --shard 1/2 and --shard 2/2"
                )
            self._take(recipe, selection)
            yield

    def _divided_otherwise(self) -> bool:
        if self.shard is None:
            return False
        others = (p for p in self.root.glob(".lock-*of*") if not p.name.endswith(f"of{self.shard[1]}"))
        return any(is_locked(p) for p in others)

    def _take(self, recipe: GenerateRecipe, selection: str) -> None:
        file = self.root / "recipe.yaml"
        new = recipe.model_dump(mode="json")
        old = load_recipe(file, GenerateRecipe).model_dump(mode="json") if file.exists() else new
        if old != new and (self.shard is not None or any(self.trajectories.glob("*.h5"))):
            raise InputError(
                f"{self.root} was made with another recipe; these keys differ: "
                f"{', '.join(differing_keys(old, new))}. Choose another --out, or the same settings"
            )
        if old == new and self.selection.is_file():
            changed = changed_molecule(self.selection.read_text(), selection)
            if changed is not None:
                raise InputError(
                    f"{self.root}: the sources give another {changed} than before; choose another --out, or restore "
                    "the files that the molecules came from"
                )
        if old != new:
            for stale in (*self.checkpoint("").parent.glob("*.h5"), *self.root.glob("index*.jsonl")):
                stale.unlink()
        for folder in (self.root, self.trajectories, self.checkpoint("").parent):
            folder.mkdir(exist_ok=True)
            if self.shard is None:
                remove_temporaries(folder)
        if old != new or not self.selection.is_file():
            replace_text(self.selection, selection)
        if old != new or not file.exists():
            replace_text(file, yaml.safe_dump(new, sort_keys=False))

    def recipe(self) -> GenerateRecipe:
        """The recipe of the folder; InputError where there is none."""
        if not (self.root / "recipe.yaml").is_file():
            raise InputError(f"{self.root} is not a data-set folder (no recipe.yaml); make one with 'tdddft generate'")
        return load_recipe(self.root / "recipe.yaml", GenerateRecipe)

    def intact(self, record: Record) -> bool:
        """Whether the file of a finished record exists and has its checksum."""
        path = self.root / record["file"]
        return path.is_file() and _checksum(path) == record["sha256"]

    def append(self, record: Record) -> None:
        """Add one line to the index in a single write and flush it to disk."""
        line = (json.dumps(record, sort_keys=True) + "\n").encode()
        with self.index.open("ab+", buffering=0) as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.index))
            os.fsync(file.fileno())

    def log(self, line: str) -> None:
        """Add one line to the log."""
        with (self.root / "log").open("a") as file:
            file.write(f"{_now()} {line}\n")

    def records(self) -> dict[str, Record]:
        """The newest record of every id, whichever run wrote it; a torn last line is ignored."""
        records: dict[str, Record] = {}
        for index in sorted(self.root.glob("index*.jsonl")):
            newest = {record["id"]: record for record in _lines(index)}
            for identifier, record in newest.items():
                before = records.get(identifier)
                if before is None or before.get("finished_at", "") <= record.get("finished_at", ""):
                    records[identifier] = record
        return records

    def finished(self) -> dict[str, Path]:
        """Files of all finished trajectories by id, in the order of the chosen molecules, whoever finished first.

        Raises:
            InputError: if the folder holds no data set or no finished trajectory.
        """
        self.recipe()
        done = [r for r in self.records().values() if r["status"] == "done"]
        if not done:
            raise InputError(f"{self.root} holds no finished trajectory; run 'tdddft generate' again to continue it")
        names = chosen_names(self.selection.read_text()) if self.selection.is_file() else []
        place = {name: number for number, name in enumerate(names)}
        done.sort(key=lambda r: (place.get(r.get("molecule", ""), len(place)), r["id"]))
        return {r["id"]: self.root / r["file"] for r in done}

    def adopt(self, identifiers: list[str], recipe: GenerateRecipe) -> set[str]:
        """Ids that need no work: finished in the index, or complete on disk although the index lost them."""
        records = self.records()
        done = set()
        for identifier in identifiers:
            path = self.path(identifier)
            record = records.get(identifier, {})
            if not path.exists():
                continue
            if record.get("status") == "done":
                if self.intact(record):
                    done.add(identifier)
                continue
            try:
                trajectory = read_trajectory(path)
                wrong = failures(trajectory)
            except Exception:  # damaged in a way that nobody foresaw: not a trajectory
                continue
            if trajectory.info["provenance"].get("recipe_hash") == recipe_hash(recipe) and not wrong:
                self.append(done_record(self.root, identifier, trajectory))
                done.add(identifier)
        return done


def _lines(index: Path) -> Iterator[Record]:
    for line in index.read_text().splitlines():
        with suppress(json.JSONDecodeError):  # cut off by a kill
            yield json.loads(line)


def done_record(root: Path, identifier: str, trajectory: Trajectory) -> Record:
    """Index line of a finished trajectory: the checksum of its file, times, and diagnostics."""
    path = DatasetFolder(root).path(identifier)
    facts, state = trajectory.info["provenance"], trajectory.info["ground_state"]
    return {
        "id": identifier,
        "status": "done",
        "file": str(path.relative_to(root)),
        "sha256": _checksum(path),
        "finished_at": _now(),
        "molecule": trajectory.info["molecule"]["name"],
        "atoms": len(trajectory.numbers),
        "orbitals": len(trajectory.overlap),
        "occupied": len(trajectory.occupations),
        "scf_solver": state.get("scf_solver"),
        "seconds": facts.get("wall_seconds"),
        "ground_state_seconds": facts.get("ground_state_seconds"),
        "fock_builds": facts.get("fock_builds"),
        "norm_error": float(trajectory.norm_error.max()),
    }


def failed_record(identifier: str, error: Exception) -> Record:
    """Index line of a trajectory that could not be made."""
    text = f"{type(error).__name__}: {error}"
    return {"id": identifier, "status": "failed", "error": text, "finished_at": _now()}


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
