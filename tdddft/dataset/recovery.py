"""Files of a data-set folder that the index lost: which of them are the trajectories that their names say."""

from __future__ import annotations

from collections.abc import Mapping

from graphlearn.base.recipes.reading import stored_hash
from tdddft.dataset.growth import earlier_hashes
from tdddft.dataset.recipe import GenerateRecipe
from tdddft.dataset.store import DatasetFolder
from tdddft.molecules.selection import geometry_hash
from tdddft.trajectory import Trajectory, read_trajectory
from tdddft.trajectory.validation import failures


def recover_finished(folder: DatasetFolder, recipe: GenerateRecipe, fingerprints: Mapping[str, str]) -> set[str]:
    """Trajectories that need no work: finished in the index, or complete on disk although the index lost them.

    Those with fewer steps than the recipe asks for need work.

    The latter are written into the index.

    Args:
        folder: The folder.
        recipe: A file of another recipe is not taken.
        fingerprints: Ids to look for, with the fingerprint of the molecule
            (:func:`tdddft.molecules.selection.fingerprint`). A file of another id or molecule is not taken, whatever
            its name.

    Returns:
        Their ids.
    """
    records = folder.records()
    done, stored, steps = set(), stored_hash(folder.recipe_file), recipe.propagation.steps
    for identifier, fingerprint in fingerprints.items():
        path = folder.path(identifier)
        record = records.get(identifier, {})
        if not path.exists():
            continue
        if record.get("status") == "done":
            whole = record.get("steps", steps) == steps
            if whole and folder.checksum_matches(record):
                done.add(identifier)
            if whole or folder.checksum_matches(record):
                continue
        try:
            trajectory = read_trajectory(path)
            wrong = failures(trajectory)
        except Exception:  # damaged in any way: not a trajectory
            continue
        made = trajectory.provenance
        same_recipe = made.recipe_hash in {stored, *earlier_hashes(recipe, made.steps)}
        if same_recipe and not wrong and not mismatch(trajectory, identifier, fingerprint):
            folder.append(folder.done_record(identifier, trajectory))
            if made.steps == steps:
                done.add(identifier)
    return done


def mismatch(trajectory: Trajectory, identifier: str, fingerprint: str | None) -> str:
    """Why a file is not the trajectory that its name says; empty where it is.

    Args:
        trajectory: What the file holds.
        identifier: Id that its name says.
        fingerprint: Of the molecule that belongs to the id; None where that is not known.

    Returns:
        The reason, or an empty text.
    """
    t = trajectory
    stored = t.provenance.id
    if stored != identifier:
        return f"the file is that of {stored or 'an unknown id'}"
    about = t.molecule
    found = geometry_hash(t.numbers, t.positions_angstrom, about.charge, about.multiplicity, about.ghosts)
    if fingerprint is not None and found != fingerprint:
        return f"the file holds another geometry ({t.name}) than selection.csv"
    return ""
