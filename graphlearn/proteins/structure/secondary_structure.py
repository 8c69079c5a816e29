"""Secondary structure of a chain: DSSP where the backbone is there, the C-alpha trace elsewhere."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphlearn.base.errors import InputError
from graphlearn.proteins.structure.alpha_trace import alpha_secondary_structure
from graphlearn.proteins.structure.chain import SECONDARY_ORDER
from graphlearn.proteins.structure.residues import BACKBONE, Residue
from graphlearn.proteins.structure.with_mdtraj import as_trajectory, parent_name

METHODS = ("auto", "mdtraj", "mkdssp", "ca")
COMPLETE_ENOUGH = 0.9


def assign_secondary_structure(residues: Sequence[Residue], method: str, name: str) -> tuple[str, str]:
    """Secondary structure of one chain after Kabsch and Sander, Biopolymers 22, 2577 (1983), or from C-alpha atoms.

    Args:
        residues: The L residues of one chain.
        method: ``mdtraj``, ``mkdssp`` or ``ca``; ``auto`` takes mdtraj if nine of ten residues have N, C-alpha, C
            and O, and ``ca`` if not.
        name: Name of the chain, for messages.

    Returns:
        L letters of ``HBEGITS-``, ``-`` also where DSSP lacks atoms, and the method that was used.

    Raises:
        InputError: for an unknown method, or if DSSP is asked for and no residue has a whole backbone.
    """
    if method not in METHODS:
        raise InputError(f"{name}: unknown way to assign secondary structure {method!r}; choose {', '.join(METHODS)}")
    complete = np.array([r.has_backbone for r in residues])
    if method == "auto":
        method = "mdtraj" if complete.mean() >= COMPLETE_ENOUGH else "ca"
    if method == "ca":
        return alpha_secondary_structure(np.array([r.position("CA") for r in residues])), method
    if not complete.any():
        raise InputError(
            f"{name}: {method} needs the backbone, but no residue has N, C-alpha, C and O; choose secondary='ca'"
        )
    letters = np.full(len(residues), "-")
    whole = [r for r in residues if r.has_backbone]
    if method == "mkdssp":
        letters[complete] = run_mkdssp(whole, name)
    else:
        import mdtraj

        letters[complete] = mdtraj.compute_dssp(as_trajectory(whole), simplified=False)[0]
    letters[~np.isin(letters, list(SECONDARY_ORDER))] = "-"
    return "".join(letters), method


HEADER = (
    "HEADER    PROTEIN                                 01-JAN-00   XXXX\n"
    "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n"
)
MOST_RESIDUES = 9999
TIME_LIMIT_S = 600


def run_mkdssp(residues: Sequence[Residue], name: str) -> list[str]:
    """DSSP's letter of each residue by the program mkdssp, version 4.

    Args:
        residues: The L residues of one chain; all have N, C-alpha, C and O.
        name: Name of the chain, for messages.

    Returns:
        L letters as mkdssp gives them; ``P`` is a helix of polyproline.

    Raises:
        InputError: if mkdssp is not installed, fails, or answers for another number of residues.
    """
    from Bio.PDB.DSSP import make_dssp_dict

    if len(residues) > MOST_RESIDUES:
        raise InputError(
            f"{name}: mkdssp is given PDB files, which hold {MOST_RESIDUES} residues, but there are {len(residues)}; "
            "choose secondary='mdtraj'"
        )
    with tempfile.TemporaryDirectory() as folder:
        structure, answer = Path(folder) / "chain.pdb", Path(folder) / "chain.dssp"
        structure.write_text(_pdb(residues))
        command = ["mkdssp", "--output-format", "dssp", str(structure), str(answer)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIME_LIMIT_S)
        except FileNotFoundError:
            raise InputError(
                f"{name}: the program mkdssp is not installed; install it (Debian: apt install dssp), "
                "or choose secondary='mdtraj', which gives the same letters"
            ) from None
        except subprocess.TimeoutExpired:
            raise InputError(f"{name}: mkdssp did not finish in {TIME_LIMIT_S} s; choose secondary='mdtraj'") from None
        found = make_dssp_dict(str(answer))[0] if done.returncode == 0 and answer.is_file() else {}
    letters = {number: entry[1] for (_, (_, number, _)), entry in found.items()}
    if set(letters) != set(range(1, len(residues) + 1)):
        said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise InputError(
            f"{name}: mkdssp answered for {len(letters)} of {len(residues)} residues and said {said[0]!r}; "
            "choose secondary='mdtraj'"
        )
    return [letters[i + 1] for i in range(len(residues))]


def _pdb(residues: Sequence[Residue]) -> str:
    centre = np.mean([r.position("CA") for r in residues], axis=0)
    lines: list[str] = []
    for number, residue in enumerate(residues, start=1):
        for atom in BACKBONE:
            x, y, z = residue.position(atom) - centre
            lines.append(
                f"ATOM  {len(lines) % 99999 + 1:5d}  {atom:<3s} {parent_name(residue)} A{number:4d}    "
                f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           {atom[0]}\n"
            )
    return f"{HEADER}{''.join(lines)}TER\nEND\n"
