"""The data-set folder: resolved recipe, index of trajectories, the trajectories themselves, a log."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from graphlearn.base.errors import InputError, OutOfSpaceError
from graphlearn.base.files import flush_folder, is_disk_full
from graphlearn.base.plain_files import file_hash
from graphlearn.base.recipes.reading import load_stored
from tdddft.dataset.index import Record, file_of, read_index, timestamp
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.selection_table import SelectionTable, read_selection
from tdddft.trajectory import Trajectory


@dataclass(frozen=True)
class DatasetFolder:
    """One data set on disk.

    ``recipe.yaml`` (resolved), ``selection.csv`` (the chosen molecules), ``index*.jsonl`` (one line per event, the last
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
    def unfinished(self) -> Path:
        """Where the checkpoints lie."""
        return self.root / "unfinished"

    @property
    def recipe_file(self) -> Path:
        """The resolved recipe."""
        return self.root / "recipe.yaml"

    @property
    def selection(self) -> Path:
        """Table of the chosen molecules."""
        return self.root / "selection.csv"

    @property
    def index(self) -> Path:
        """Index that this run writes."""
        return self.root / f"index{self.suffix}.jsonl"

    @property
    def run_file(self) -> Path:
        """What this run is doing, see :mod:`tdddft.dataset.progress`."""
        return self.root / f"run{self.suffix}.json"

    @property
    def suffix(self) -> str:
        """What the names of the files of this shard end with."""
        return "" if self.shard is None else "-{}of{}".format(*self.shard)

    def path(self, identifier: str) -> Path:
        """File of one trajectory."""
        return self.root / file_of(identifier)

    def checkpoint(self, identifier: str) -> Path:
        """File that keeps an unfinished trajectory."""
        return self.unfinished / f"{identifier}.h5"

    def leaves(self, path: Path) -> bool:
        """Whether a path of the folder leads out of it, by a link."""
        return not path.resolve().is_relative_to(self.root.resolve())

    def recipe(self) -> GenerateRecipe:
        """The recipe of the folder; InputError where there is none."""
        if not (self.recipe_file).is_file():
            raise InputError(f"{self.root} is not a data-set folder (no recipe.yaml); make one with 'tdddft generate'")
        return load_stored(self.recipe_file, GenerateRecipe)

    def chosen(self) -> SelectionTable:
        """The chosen molecules, as far as their table can be read."""
        return read_selection(self.selection)

    def checksum_matches(self, record: Record) -> bool:
        """Whether the file of a finished record exists and has its checksum."""
        path = self.path(record["id"])
        return path.is_file() and file_hash(path) == record.get("sha256")

    def append(self, record: Record) -> None:
        """Add one line to the index in a single write and flush it to disk."""
        line = (json.dumps(record, sort_keys=True) + "\n").encode()
        new = not self.index.exists()
        with self.index.open("ab+", buffering=0) as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.index))
            os.fsync(file.fileno())
        if new:
            flush_folder(self.root)

    def log(self, line: str) -> None:
        """Add one line to the log."""
        with (self.root / "log").open("a") as file:
            file.write(f"{timestamp()} {line}\n")

    def records(self) -> dict[str, Record]:
        """The newest record of every id, whichever run wrote it; lines that make no sense are passed over."""
        return self._newest(("done", "failed"))

    def done_records(self) -> dict[str, Record]:
        """The newest record of every id that was ever finished, whether or not something failed later."""
        return self._newest(("done",))

    def _newest(self, of_status: Collection[str]) -> dict[str, Record]:
        records: dict[str, Record] = {}
        for index in self.indices():
            newest = {record["id"]: record for record in read_index(index)[0] if record["status"] in of_status}
            for identifier, record in newest.items():
                before = records.get(identifier)
                if before is None or before.get("finished_at", "") <= record.get("finished_at", ""):
                    records[identifier] = record
        return records

    def bad_lines(self) -> list[str]:
        """What is wrong with lines of the index and of the selection table; none where nothing is."""
        return [bad for index in self.indices() for bad in read_index(index)[1]] + self.chosen().bad

    def indices(self) -> list[Path]:
        """Index files of all runs."""
        return sorted(p for p in self.root.glob("index*.jsonl") if p.is_file())

    def finished(self) -> dict[str, Path]:
        """Files of all finished trajectories by id, in the order of the chosen molecules.

        Returns:
            Paths by id.

        Raises:
            InputError: if the folder holds no data set or no finished trajectory.
        """
        self.recipe()
        done = [r for r in self.records().values() if r["status"] == "done"]
        if not done:
            raise InputError(f"{self.root} holds no finished trajectory; run 'tdddft generate' again to continue it")
        place = {name: number for number, name in enumerate(self.chosen().names)}
        done.sort(key=lambda r: (place.get(r.get("molecule", ""), len(place)), r["id"]))
        return {r["id"]: self.path(r["id"]) for r in done}

    def done_record(self, identifier: str, trajectory: Trajectory) -> Record:
        """Index line of a finished trajectory: the checksum of its file, times, and diagnostics.

        Args:
            identifier: Id of the trajectory, whose file is written.
            trajectory: What the file holds.

        Returns:
            The record.
        """
        made = trajectory.provenance
        return {
            "id": identifier,
            "status": "done",
            "file": file_of(identifier),
            "sha256": file_hash(self.path(identifier)),
            "finished_at": timestamp(),
            "molecule": trajectory.name,
            "atoms": len(trajectory.numbers),
            "orbitals": len(trajectory.overlap),
            "occupied": len(trajectory.occupations),
            "steps": made.steps or len(trajectory.field_times_fs) - 1,
            "scf_solver": trajectory.ground_state.scf_solver,
            "seconds": made.wall_seconds,
            "ground_state_seconds": made.ground_state_seconds,
            "fock_builds": made.fock_builds,
            "norm_error": float(trajectory.norm_error.max()),
        }

    def reraise_disk_full(self, error: Exception) -> None:
        """Nothing, unless an error comes from a full disk.

        Args:
            error: What was raised.

        Raises:
            OutOfSpaceError: if it does.
        """
        if is_disk_full(error):
            raise OutOfSpaceError(
                f"{self.root}: the disk is full, or that of temporary files; what is finished is kept. Free some space "
                "and run the same command again to continue"
            ) from None
