"""Structure files: PDB, mmCIF and BinaryCIF, plain or packed, to chains of residues."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.base.unpacking import read_unpacked
from graphlearn.proteins.structure.chain import ProteinChain
from graphlearn.proteins.structure.confidence import holds_plddt
from graphlearn.proteins.structure.formats.binary_cif import binary_cif_text
from graphlearn.proteins.structure.formats.builder import Entry, FirstModel
from graphlearn.proteins.structure.formats.limits import atom_limit, check_content, check_count, residue_limit
from graphlearn.proteins.structure.formats.pdb_text import first_model_lines, remark
from graphlearn.proteins.structure.overlaps import without_overlaps
from graphlearn.proteins.structure.residues import ChainResidues, Residue, chain_residues
from graphlearn.proteins.structure.secondary_structure import assign_secondary_structure
from graphlearn.proteins.structure.with_mdtraj import relative_accessibility

SHORTEST_CHAIN = 5
Method = Literal["auto", "mdtraj", "mkdssp", "ca"]
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


class ChainStructure(NamedTuple):
    """A chain with its atoms.

    Attributes:
        chain: What a graph is built from.
        residues: Its residues, in the same order.
        ligands: What else goes by its id in the file, water aside.
    """

    chain: ProteinChain
    residues: tuple[Residue, ...]
    ligands: tuple[Residue, ...]


def read_structure(
    path: str | os.PathLike[str],
    *,
    chains: Sequence[str] | None = None,
    secondary: Method = "auto",
    name: str | None = None,
) -> list[ProteinChain]:
    """Read the protein chains of a structure file.

    The format is told from the content: PDB, mmCIF or BinaryCIF (which needs the extra ``bcif``), plain or packed with
    gzip, xz or bzip2. Of several models the first is read. Water, ligands, nucleic acids and residues without a
    C-alpha atom are left out; modified residues keep the letter of their parent (MSE is M). Secondary structure and
    accessibility are those of each chain alone, so that they do not depend on which partners the file holds.

    Args:
        path: The file.
        chains: Author's ids of the chains to read, in this order (``_`` for a blank id); all protein chains if None.
        secondary: How secondary structure is assigned: ``mdtraj``, ``mkdssp`` (the program must be installed) or
            ``ca`` (from C-alpha positions); ``auto`` takes mdtraj where the backbone is there, ``ca`` elsewhere.
        name: With which names of chains begin; by default that of the file.

    Returns:
        The chains, named after the file and the chain (``1ABC-A``). ``plddt`` is set for predictions of AlphaFold, for
        files whose metadata say that they hold pLDDT, and for files without a header whose B-factors look like it,
        never for experimental structures.

    Raises:
        InputError: if the file is missing, empty or damaged, holds no protein chain, or not the chain asked for; if it
            holds more atoms than ``GRAPHLEARN_MAX_ATOMS`` allows; if a chain asked for, or every chain, has fewer than
            5 residues; if a position is not finite, a residue stands twice, or two C-alpha atoms lie at one place.
            Short chains beside longer ones are left out with a warning, as are other atoms at one place.
    """
    return [s.chain for s in read_chains(path, chains=chains, secondary=secondary, name=name)]


def read_chains(
    path: str | os.PathLike[str],
    *,
    chains: Sequence[str] | None = None,
    secondary: Method = "auto",
    name: str | None = None,
) -> list[ChainStructure]:
    """The chains of a structure file with their atoms; as :func:`read_structure`, which describes how they are read.

    Args:
        path: The file.
        chains: Author's ids of the chains to read, in this order; all protein chains if None.
        secondary: How secondary structure is assigned: ``auto``, ``mdtraj``, ``mkdssp`` or ``ca``.
        name: With which names of chains begin; by default that of the file.

    Returns:
        One structure per chain.

    Raises:
        InputError: if the file cannot be read or holds no such protein chain.
    """
    path = Path(path)
    text = _structure_text(path)
    model = _first_model(text, path)
    by_chain: dict[str, list[Entry]] = {}
    for entry in model.entries.values():
        by_chain.setdefault(entry.chain, []).append(entry)
    labels = chain_labels(by_chain)
    found = {
        labels[chain]: content
        for chain, entries in by_chain.items()
        if (content := chain_residues(entries, labels[chain], str(path))).residues
    }
    if not found:
        raise InputError(
            f"{path}: no protein chain found: no amino acid has a C-alpha atom. Give a PDB or mmCIF file of a protein"
        )
    method, title = (str(model.header.get(key, "")) for key in ("structure_method", "name"))
    predicted = holds_plddt(method, title, text, [r for content in found.values() for r in content.residues])
    stem = structure_name(path) if name is None else name
    return [
        _chain(path, f"{stem}-{label}", label, found[label], secondary, predicted)
        for label in _wanted(found, chains, path)
    ]


def chain_labels(ids: Iterable[str]) -> dict[str, str]:
    """Names of chains by their ids: ``_`` for a blank one, and white space and control characters as ``_``.

    No two are alike; where they would be, the later one has more underscores.
    """
    found: dict[str, str] = {}
    for chain in ids:
        label = _UNPRINTABLE.sub("_", chain.strip()) or "_"
        while label in found.values():
            label += "_"
        found[chain] = label
    return found


def _structure_text(path: Path) -> str:
    """Text of a structure file, unpacked, lines ended by line feeds; BinaryCIF as mmCIF.

    Raises:
        InputError: if it is missing, empty, damaged or too large.
    """
    content = read_unpacked(path).removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise InputError(f"{path}: the file is empty; download it again")
    check_content(content, str(path))
    if (content[0] >> 4 == 8 or content[0] in (0xDE, 0xDF)) and b"dataBlocks" in content:
        return binary_cif_text(content, str(path))
    if b"\0" in content:
        raise InputError(f"{path}: is a binary file; give the structure as PDB, mmCIF or BinaryCIF")
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def _first_model(text: str, path: Path) -> FirstModel:
    from Bio.PDB.MMCIFParser import MMCIFParser
    from Bio.PDB.PDBExceptions import PDBConstructionException
    from Bio.PDB.PDBParser import PDBParser

    builder = FirstModel(str(path))
    first = next((line for line in map(str.strip, text.split("\n")) if line and not line.startswith("#")), "").lower()
    cif = first.startswith(("data_", "loop_", "_"))
    try:
        if cif:
            content = text if first.startswith("data_") else f"data_unnamed\n{text}"
            MMCIFParser(structure_builder=builder, QUIET=True).get_structure(path.name, io.StringIO(content))
        else:
            lines = io.StringIO("".join(first_model_lines(text)))
            PDBParser(structure_builder=builder, QUIET=True, PERMISSIVE=True).get_structure(path.name, lines)
            builder.header = {"structure_method": remark(text, "EXPDTA"), "name": remark(text, "TITLE")}
    except InputError:
        raise
    except KeyError as error:
        raise InputError(
            f"{path}: this mmCIF file has no column {error.args[0]}, without which atoms cannot be read; "
            "write it with the columns that the PDB has, or as a PDB file"
        ) from None
    except (PDBConstructionException, ValueError, IndexError) as error:
        kind = "an mmCIF" if cif else "a PDB"
        said = str(error).replace("\n", " ")[:200]
        raise InputError(f"{path}: cannot be read as {kind} file: {said}. Repair it or download it again") from None
    return builder


def _wanted(found: dict[str, ChainResidues], chains: Sequence[str] | None, path: Path) -> list[str]:
    labels = list(found) if chains is None else [chain_labels([c])[c] for c in chains]
    for label in labels:
        if label not in found:
            raise InputError(f"{path}: has no protein chain {label!r}; its protein chains are {', '.join(found)}")
    short = [label for label in labels if len(found[label].residues) < SHORTEST_CHAIN]
    if short and (chains is not None or len(short) == len(labels)):
        raise InputError(
            f"{path}: chain {short[0]} has {len(found[short[0]].residues)} residues with a C-alpha atom; "
            f"at least {SHORTEST_CHAIN} are needed"
        )
    if short:
        warnings.warn(
            f"{path}: left out {', '.join(short)}: a chain of fewer than {SHORTEST_CHAIN} residues", stacklevel=4
        )
    return [label for label in labels if label not in short]


def _chain(path: Path, name: str, label: str, content: ChainResidues, method: str, predicted: bool) -> ChainStructure:
    count, most = len(content.residues), residue_limit()
    check_count(
        count, most,
        f"{path}: chain {label} has {count:,} residues, more than the {most:,} that {atom_limit():,} atoms make",
    )  # fmt: skip
    residues = without_overlaps(content.residues, str(path))
    secondary, source = assign_secondary_structure(residues, method, name)
    chain = ProteinChain(
        name=name,
        sequence="".join(r.letter for r in residues),
        ca_angstrom=np.array([r.position("CA") for r in residues], dtype=np.float32),
        residue_ids=tuple(r.id for r in residues),
        secondary=secondary,
        secondary_source=source,
        accessibility=relative_accessibility(residues),
        plddt=np.array([r.b_factor for r in residues], dtype=np.float32) if predicted else None,
    )
    return ChainStructure(chain, tuple(residues), tuple(content.ligands))


def structure_name(path: Path) -> str:
    """Name of a structure by its file, with which names of its chains begin: ``1ABC`` of ``pdb1abc.ent.gz``."""
    name = os.fsencode(path.name).decode("utf-8", "replace").removesuffix(".gz")
    stem = Path(name).stem.upper()
    return stem[3:] if name.lower().endswith(".ent") and stem.startswith("PDB") and len(stem) == 7 else stem
