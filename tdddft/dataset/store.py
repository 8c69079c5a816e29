"""The data-set folder: resolved recipe, index of trajectories, the trajectories themselves, a log."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from graphlearn.base.errors import InputError
from graphlearn.base.files import flush_folder, remove_temporaries, replace_bytes, replace_text
from graphlearn.base.locks import is_locked, lock
from graphlearn.base.plain_files import file_hash
from graphlearn.base.recipes.reading import differing_keys, load_stored, recipe_hash, stored_hash
from tdddft.dataset.index import Record, file_of, read_index
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.selection_table import SelectionTable, parse_selection, read_selection
from tdddft.molecules.selection import geometry_hash
from tdddft.trajectory import Trajectory, read_trajectory
from tdddft.trajectory.validation import failures


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
        """What this run is doing, see :mod:`tdddft.dataset.progress`."""
        return self.root / f"run{self._part}.json"

    @property
    def _part(self) -> str:
        return "" if self.shard is None else "-{}of{}".format(*self.shard)

    def path(self, identifier: str) -> Path:
        """File of one trajectory."""
        return self.root / file_of(identifier)

    def checkpoint(self, identifier: str) -> Path:
        """File that keeps an unfinished trajectory."""
        return self.root / "unfinished" / f"{identifier}.h5"

    @contextmanager
    def opened(self, recipe: GenerateRecipe, selection: str) -> Iterator[None]:
        """Hold the folder, or the shard, for one run at a time, as the folder of a recipe and its molecules.

        Several shards of one division may hold the folder together; a run that dies lets go.

        Args:
            recipe: What the folder is for.
            selection: Table of the chosen molecules (:func:`tdddft.molecules.selection.selection_table`).

        Raises:
            InputError: if another run holds it, it belongs to another recipe (the differing keys are named) or to
                other molecules, or it is not writable. Nothing is changed then.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._refuse_links()
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
            self._drop_bad_lines()
            yield

    def leaves(self, path: Path) -> bool:
        """Whether a path of the folder leads out of it, by a link."""
        return not path.resolve().is_relative_to(self.root.resolve())

    def _refuse_links(self) -> None:
        """A folder that somebody sent must not have us write elsewhere."""
        own = [self.trajectories, self.checkpoint("").parent, self.root / "log", self.selection]
        own += [p for pattern in ("index*.jsonl", ".lock*", "run*.json") for p in self.root.glob(pattern)]
        for path in own:
            if self.leaves(path):
                raise InputError(f"{path} is a link that leaves the folder; nothing is written through it, remove it")

    def _drop_bad_lines(self) -> None:
        """Write the index, or that of this shard, without the lines that make no sense, and note them in the log."""
        for index in self._indices() if self.shard is None else [self.index]:
            if index.is_file():
                _, bad, good = read_index(index)
                if bad:
                    replace_bytes(index, b"".join(line + b"\n" for line in good))
                for line in bad:
                    self.log(f"dropped {line}")

    def _divided_otherwise(self) -> bool:
        if self.shard is None:
            return False
        others = (p for p in self.root.glob(".lock-*of*") if not p.name.endswith(f"of{self.shard[1]}"))
        return any(is_locked(p) for p in others)

    def _take(self, recipe: GenerateRecipe, selection: str) -> None:
        file = self.root / "recipe.yaml"
        new = recipe.model_dump(mode="json")
        old = load_stored(file, GenerateRecipe).model_dump(mode="json") if file.exists() else new
        if old != new and (self.shard is not None or any(self.trajectories.glob("*.h5"))):
            raise InputError(
                f"{self.root} was made with another recipe; these keys differ: "
                f"{', '.join(differing_keys(old, new))}. Choose another --out, or the same settings"
            )
        table = self.chosen()
        if old == new and self.selection.is_file():
            changed = table.changed(parse_selection(selection.encode()))
            if changed is not None:
                raise InputError(
                    f"{self.root}: the sources give another {changed} than before; choose another --out, or restore "
                    "the files that the molecules came from; if selection.csv is what changed, 'tdddft validate "
                    "--repair' writes it again"
                )
        if old != new:
            for stale in (*self.checkpoint("").parent.glob("*.h5"), *self.root.glob("index*.jsonl")):
                stale.unlink()
        for folder in (self.root, self.trajectories, self.checkpoint("").parent):
            folder.mkdir(exist_ok=True)
            remove_temporaries(folder, others_write=self.shard is not None)
        if old != new or table.bad or not self.selection.is_file():
            replace_text(self.selection, selection)
        if old != new or not file.exists():
            replace_text(file, yaml.safe_dump(new, sort_keys=False))

    def recipe(self) -> GenerateRecipe:
        """The recipe of the folder; InputError where there is none."""
        if not (self.root / "recipe.yaml").is_file():
            raise InputError(f"{self.root} is not a data-set folder (no recipe.yaml); make one with 'tdddft generate'")
        return load_stored(self.root / "recipe.yaml", GenerateRecipe)

    def chosen(self) -> SelectionTable:
        """The chosen molecules, as far as their table can be read."""
        return read_selection(self.selection)

    def intact(self, record: Record) -> bool:
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
            file.write(f"{_now()} {line}\n")

    def records(self) -> dict[str, Record]:
        """The newest record of every id, whichever run wrote it; lines that make no sense are passed over."""
        records: dict[str, Record] = {}
        for index in self._indices():
            newest = {record["id"]: record for record in read_index(index)[0]}
            for identifier, record in newest.items():
                before = records.get(identifier)
                if before is None or before.get("finished_at", "") <= record.get("finished_at", ""):
                    records[identifier] = record
        return records

    def bad_lines(self) -> list[str]:
        """What is wrong with lines of the index and of the selection table; none where nothing is."""
        return [bad for index in self._indices() for bad in read_index(index)[1]] + self.chosen().bad

    def _indices(self) -> list[Path]:
        return sorted(p for p in self.root.glob("index*.jsonl") if p.is_file())

    def finished(self) -> dict[str, Path]:
        """Files of all finished trajectories by id, in the order of the chosen molecules, whoever finished first.

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

    def adopt(self, geometries: Mapping[str, str], recipe: GenerateRecipe) -> set[str]:
        """Ids that need no work: finished in the index, or complete on disk although the index lost them.

        Args:
            geometries: Fingerprint of the molecule (:func:`tdddft.molecules.selection.fingerprint`) by id. A file of
                another id
                or molecule is not adopted, whatever its name.
            recipe: A file of another recipe is not adopted either.
        """
        records = self.records()
        done, hashes = set(), {recipe_hash(recipe), stored_hash(self.root / "recipe.yaml")}
        for identifier, geometry in geometries.items():
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
            same_recipe = trajectory.provenance.recipe_hash in hashes
            if same_recipe and not wrong and not strangeness(trajectory, identifier, geometry):
                self.append(done_record(self.root, identifier, trajectory))
                done.add(identifier)
        return done


def strangeness(trajectory: Trajectory, identifier: str, geometry: str | None) -> str:
    """Why a file is not the trajectory that its name says; empty where it is.

    Args:
        trajectory: What the file holds.
        identifier: Id that its name says.
        geometry: Fingerprint of the molecule that belongs to the id; None where that is not known.
    """
    t = trajectory
    stored = t.provenance.id
    if stored != identifier:
        return f"the file is that of {stored or 'an unknown id'}"
    if geometry is not None and geometry_hash(t.numbers, t.positions_angstrom, t.molecule.charge) != geometry:
        return f"the file holds another geometry ({t.name}) than selection.csv"
    return ""


def done_record(root: Path, identifier: str, trajectory: Trajectory) -> Record:
    """Index line of a finished trajectory: the checksum of its file, times, and diagnostics."""
    path = DatasetFolder(root).path(identifier)
    made = trajectory.provenance
    return {
        "id": identifier,
        "status": "done",
        "file": file_of(identifier),
        "sha256": file_hash(path),
        "finished_at": _now(),
        "molecule": trajectory.name,
        "atoms": len(trajectory.numbers),
        "orbitals": len(trajectory.overlap),
        "occupied": len(trajectory.occupations),
        "scf_solver": trajectory.ground_state.scf_solver,
        "seconds": made.wall_seconds,
        "ground_state_seconds": made.ground_state_seconds,
        "fock_builds": made.fock_builds,
        "norm_error": float(trajectory.norm_error.max()),
    }


def failed_record(identifier: str, error: Exception) -> Record:
    """Index line of a trajectory that could not be made."""
    text = f"{type(error).__name__}: {error}"
    return {"id": identifier, "status": "failed", "error": text, "finished_at": _now()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
