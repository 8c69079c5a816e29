"""``tdddft spectrum``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from graphlearn.base.cli.shell import only_json, out
from graphlearn.base.errors import InputError
from graphlearn.base.tables import Table
from tdddft.cli.labels import labelled
from tdddft.units import AU_TIME_FS, HARTREE_EV

if TYPE_CHECKING:
    from tdddft.analysis.peak_assignment import PeakAssignment
    from tdddft.analysis.spectrum import Spectrum
    from tdddft.trajectory import Trajectory

KICK_SPACING_FS = 0.02
ROOTS, CHECK_TOLERANCE_EV = 20, 0.05


def spectrum(
    files: Annotated[
        list[Path], typer.Argument(help="trajectory files; three directions of one molecule give its tensor too")
    ],
    hwhm_ev: Annotated[
        float | None,
        typer.Option(
            min=0.001, help="half width of the lines, eV; default: 2.5 eV fs / length, a fifth of it with --pade"
        ),
    ] = None,
    max_energy_ev: Annotated[float, typer.Option(min=1.0, help="upper end of the axis, eV")] = 30.0,
    pade: Annotated[
        bool, typer.Option("--pade", help="continue the signal by a Padé approximant: sharper lines")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="compare the peaks with linear-response (Casida) roots; exit code 1 if off")
    ] = False,
    roots: Annotated[int | None, typer.Option(min=1, help="number of roots for --check; default: 20")] = None,
    check_tolerance_ev: Annotated[
        float | None, typer.Option(min=0.0, help="largest gap that --check accepts, eV; default: 0.05")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="write energies and strengths (and the tensor) here")] = None,
    figure: Annotated[Path | None, typer.Option(help="write a figure here")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the peaks as JSON, and nothing else")] = False,
) -> None:
    """Absorption spectrum of trajectories, simulated or predicted: peaks with oscillator strengths, table and figure.

    Example: tdddft spectrum runs/kick/trajectories/*.h5 --pade --check --figure spectrum.png
    """
    from tdddft.analysis.spectrum import absorption_spectrum, can_form_tensor, default_hwhm_ev, polarizability_tensor
    from tdddft.trajectory import read_trajectory

    if not check and (roots is not None or check_tolerance_ev is not None):
        raise InputError("--roots and --check-tolerance-ev have no effect without --check")
    roots = ROOTS if roots is None else roots
    check_tolerance_ev = CHECK_TOLERANCE_EV if check_tolerance_ev is None else check_tolerance_ev
    with only_json(as_json) as write:
        trajectories = {label: read_trajectory(file) for label, file in labelled(files, ["isotropic"]).items()}
        width = hwhm_ev or max(default_hwhm_ev(t, pade=pade) for t in trajectories.values())
        options: dict[str, Any] = {"hwhm_ev": width, "max_energy_ev": max_energy_ev, "pade": pade}
        spectra = {name: absorption_spectrum(t, **options) for name, t in trajectories.items()}
        tensor = None
        if can_form_tensor(list(trajectories.values())):
            tensor, spectra["isotropic"] = polarizability_tensor(list(trajectories.values()), **options)
        peaks = {name: _peaks(result) for name, result in spectra.items()}
        _print_peaks(peaks)
        for note in {_folding(t) for t in trajectories.values()} - {""}:
            out.print(note, soft_wrap=True)
        assignments = {}
        if check:
            from tdddft.analysis.peak_assignment import compare_with_linear_response

            assignments = compare_with_linear_response(trajectories, spectra, roots)
            for name, assignment in assignments.items():
                out.print(_assignment_table(name, assignment).terminal())
        if csv is not None:
            _write_csv(csv, spectra, tensor)
            out.print(f"wrote {csv}")
        if figure is not None:
            from graphlearn.base.plotting import save_figure
            from tdddft.analysis.figures import spectrum_figure

            sticks = {name: (c.root_energies_ev, c.root_strengths) for name, c in assignments.items()}
            out.print(f"wrote {save_figure(spectrum_figure(spectra, sticks), figure)}")
        agrees = _judge([gap for c in assignments.values() for gap in c.gaps_ev], check_tolerance_ev) if check else None
        write({"hwhm_ev": width, "peaks": peaks, "agrees_with_linear_response": agrees})
    if agrees is False:
        raise typer.Exit(1)


def _peaks(spectrum: Spectrum) -> list[dict[str, float]]:
    """Energy, oscillator strength and height of each peak."""
    from tdddft.analysis.spectrum import find_peaks, line_strengths

    found = find_peaks(spectrum)
    strengths = line_strengths(spectrum, [energy for energy, _ in found])
    return [
        {"energy_ev": float(e), "oscillator_strength": float(f), "strength_per_ev": float(height / HARTREE_EV)}
        for (e, height), f in zip(found, strengths, strict=True)
    ]


def _print_peaks(peaks: dict[str, list[dict[str, float]]]) -> None:
    rows = [
        [name, *(f"{value:.{d}f}" for value, d in zip(row.values(), (3, 4, 3), strict=True))]
        for name, found in peaks.items()
        for row in found
    ]
    table = Table(["trajectory", "energy (eV)", "oscillator strength", "strength (1/eV)"], rows)
    out.print(table.terminal())


def _assignment_table(name: str, assignment: PeakAssignment) -> Table:
    a = assignment
    rows = zip(
        a.line_energies_ev, a.line_strengths, a.peak_energies_ev, a.peak_strengths, a.gaps_ev, strict=True
    )  # fmt: skip
    return Table(
        ["trajectory", "root (eV)", "f (root)", "peak (eV)", "f (peak)", "gap (meV)"],
        [[name, f"{r:.3f}", f"{f:.4f}", f"{p:.3f}", f"{g:.4f}", f"{gap * 1e3:.1f}"] for r, f, p, g, gap in rows],
    )


def _judge(gaps_ev: list[float], tolerance_ev: float) -> bool:
    """Say whether peaks and linear response agree."""
    if not gaps_ev:
        raise InputError("no bright line of linear response inside the axis: nothing to check; raise --roots")
    worst = max(gaps_ev)
    verdict = "agree" if worst <= tolerance_ev else "disagree"
    out.print(f"peaks and linear response {verdict}: largest gap {worst * 1e3:.0f} meV over {len(gaps_ev)} lines")
    return bool(worst <= tolerance_ev)


def _write_csv(path: Path, spectra: dict[str, Spectrum], tensor: np.ndarray | None) -> None:
    length = min(len(s.energy_ev) for s in spectra.values())  # frames further apart end the axis earlier
    columns = {"energy_ev": next(iter(spectra.values())).energy_ev[:length]}
    columns |= {f"strength_per_ev:{n}": s.strength_per_hartree[:length] / HARTREE_EV for n, s in spectra.items()}
    if tensor is not None:
        for a, b in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
            element = 0.5 * (tensor[:, a, b] + tensor[:, b, a])
            columns[f"re_alpha_{'xyz'[a]}{'xyz'[b]}_au"] = element.real
            columns[f"im_alpha_{'xyz'[a]}{'xyz'[b]}_au"] = element.imag
    np.savetxt(path, np.column_stack(list(columns.values())), delimiter=",", header=",".join(columns), comments="")


def _folding(trajectory: Trajectory) -> str:
    """A warning where a kick, which excites everything, meets frames that are far apart."""
    spacing = float(trajectory.times_fs[1] - trajectory.times_fs[0])
    if not trajectory.field_impulse_au.any() or spacing <= KICK_SPACING_FS * (1 + 1e-9):
        return ""
    highest = np.pi * AU_TIME_FS / spacing * HARTREE_EV
    return (
        f"note: frames are {spacing:.3g} fs apart, so that what a kick excites above {highest:.0f} eV folds down into "
        f"the spectrum as weak false lines; store a frame every {KICK_SPACING_FS:g} fs or less"
    )
