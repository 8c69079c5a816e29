"""Structure files: PDB and mmCIF, plain or compressed, to chains of residues."""

from __future__ import annotations

import gzip
import io
import os
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graphlearn.proteins.accessibility import relative_accessibility
from graphlearn.proteins.chain import ProteinChain
from graphlearn.proteins.residues import Residue, chain_label, chain_residues
from graphlearn.proteins.secondary_structure import assign_secondary_structure
from tdddft.errors import InputError

SHORTEST_CHAIN = 5


def read_structure(
    path: str | os.PathLike[str],
    *,
    chains: Sequence[str] | None = None,
    secondary: Literal["auto", "mdtraj", "mkdssp", "ca"] = "auto",
) -> list[ProteinChain]:
    """Read the protein chains of a structure file.

    The format is told from the content: PDB or mmCIF, plain or gzip. Of several models the first is read. Water,
    ligands, nucleic acids and residues without a C-alpha atom are left out; modified residues keep the letter of their
    parent (MSE is M). Secondary structure and accessibility are those of each chain alone, so that they do not depend
    on which partners the file holds.

    Args:
        path: The file.
        chains: Author's ids of the chains to read, in this order (``_`` for a blank id); all protein chains if None.
        secondary: How secondary structure is assigned: ``mdtraj``, ``mkdssp`` (the program must be installed) or
            ``ca`` (from C-alpha positions); ``auto`` takes mdtraj where the backbone is there, ``ca`` elsewhere.

    Returns:
        The chains, named after the file and the chain (``1ABC-A``). ``plddt`` is set for predictions of AlphaFold and
        for files whose metadata say that they hold pLDDT, never for experimental structures.

    Raises:
        InputError: if the file is missing, empty or damaged, holds no protein chain, or not the chain asked for; if a
            chain asked for, or every chain, has fewer than 5 residues; if a position is not finite or a residue stands
            twice. Short chains beside longer ones are left out with a warning.
    """
    path = Path(path)
    text = _read_text(path)
    structure = _parse(text, path)
    found = {
        chain_label(chain.id): residues
        for model in structure
        for chain in model
        if (residues := chain_residues(chain, str(path)))
    }
    if not found:
        raise InputError(
            f"{path}: no protein chain found: no amino acid has a C-alpha atom. Give a PDB or mmCIF file of a protein"
        )
    predicted = _is_predicted(structure.header, text)
    return [_chain(path, label, found[label], secondary, predicted) for label in _wanted(found, chains, path)]


def structure_text(path: str | os.PathLike[str]) -> tuple[str, Literal["pdb", "cif"]]:
    """Text of a structure file, unpacked, and its format.

    Raises:
        InputError: if it is missing, empty or damaged.
    """
    text = _read_text(Path(path))
    return text, "cif" if _is_cif(text) else "pdb"


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    if not content.strip():
        raise InputError(f"{path}: the file is empty; download it again")
    if b"\0" in content:
        raise InputError(f"{path}: is a binary file; give the structure as PDB or mmCIF text")
    return content.decode("utf-8", errors="replace")


def _parse(text: str, path: Path) -> Any:
    from Bio.PDB.MMCIFParser import MMCIFParser
    from Bio.PDB.PDBExceptions import PDBConstructionException
    from Bio.PDB.PDBParser import PDBParser

    from graphlearn.proteins.builder import FirstModelBuilder

    builder = FirstModelBuilder(str(path))
    cif = _is_cif(text)
    parser = (
        MMCIFParser(structure_builder=builder, QUIET=True)
        if cif
        else PDBParser(structure_builder=builder, QUIET=True, PERMISSIVE=True)
    )
    try:
        return parser.get_structure(path.name, io.StringIO(text))
    except InputError:
        raise
    except KeyError as error:
        raise InputError(
            f"{path}: this mmCIF file has no column {error.args[0]}, without which atoms cannot be read; "
            "write it with the columns that the PDB has, or as a PDB file"
        ) from None
    except (PDBConstructionException, ValueError, IndexError) as error:
        kind = "an mmCIF" if cif else "a PDB"
        raise InputError(f"{path}: cannot be read as {kind} file: {error}. Repair it or download it again") from None


def _is_cif(text: str) -> bool:
    lines = (line.strip() for line in io.StringIO(text))
    first = next(line for line in lines if line and not line.startswith("#"))
    return first.lower().startswith("data_")


def _is_predicted(header: dict[str, Any], text: str) -> bool:
    if header.get("structure_method", "").strip().lower() not in ("", "unknown", "theoretical model"):
        return False
    says_plddt = "_ma_qa_metric" in text and "plddt" in text.lower()
    return says_plddt or "alphafold" in header.get("name", "").lower()


def _wanted(found: dict[str, list[Residue]], chains: Sequence[str] | None, path: Path) -> list[str]:
    labels = list(found) if chains is None else [chain_label(c) for c in chains]
    for label in labels:
        if label not in found:
            raise InputError(f"{path}: has no protein chain {label!r}; its protein chains are {', '.join(found)}")
    short = [label for label in labels if len(found[label]) < SHORTEST_CHAIN]
    if short and (chains is not None or len(short) == len(labels)):
        raise InputError(
            f"{path}: chain {short[0]} has {len(found[short[0]])} residues with a C-alpha atom; "
            f"at least {SHORTEST_CHAIN} are needed"
        )
    if short:
        warnings.warn(
            f"{path}: left out {', '.join(short)}: a chain of fewer than {SHORTEST_CHAIN} residues", stacklevel=3
        )
    return [label for label in labels if label not in short]


def _chain(path: Path, label: str, residues: list[Residue], method: str, predicted: bool) -> ProteinChain:
    name = f"{structure_name(path)}-{label}"
    secondary, source = assign_secondary_structure(residues, method, name)
    return ProteinChain(
        name=name,
        sequence="".join(r.letter for r in residues),
        ca_angstrom=np.array([r.position("CA") for r in residues], dtype=np.float32),
        residue_ids=tuple(r.id for r in residues),
        secondary=secondary,
        secondary_source=source,
        accessibility=relative_accessibility(residues),
        plddt=np.array([r.b_factor for r in residues], dtype=np.float32) if predicted else None,
    )


def structure_name(path: Path) -> str:
    """Name of a structure by its file, with which names of its chains begin: ``1ABC`` of ``pdb1abc.ent.gz``."""
    name = path.name.removesuffix(".gz")
    stem = Path(name).stem.upper()
    return stem[3:] if name.lower().endswith(".ent") and stem.startswith("PDB") and len(stem) == 7 else stem
