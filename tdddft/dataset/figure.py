"""Figure of a whole data set: sizes, cost, dipoles, spectra, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from graphlearn.base.errors import ContractError, InputError
from graphlearn.base.hdf5_examination import refusals
from graphlearn.base.plotting import STYLE
from tdddft.analysis.spectrum import FIELD_FLOOR, absorption_spectrum
from tdddft.dataset.index import Record
from tdddft.dataset.store import DatasetFolder
from tdddft.trajectory import Trajectory, read_trajectory
from tdddft.units import HARTREE_EV

DRAWN_AT_MOST = 300
REASONS_SHOWN = 6


def dataset_figure(folder: DatasetFolder, on_unreadable: Callable[[str], None] | None = None) -> Figure:
    """Sizes, cost, dipoles, spectra and failures of a data set.

    Files are opened for dipoles and spectra alone, for a random 300 of them in large sets.

    Args:
        folder: The data set.
        on_unreadable: Called with what is wrong with each file that is left out of the dipoles and spectra.

    Returns:
        The figure, of six panels.

    Raises:
        InputError: if the folder holds no data set, or nothing that can be read.
    """
    records = folder.records()
    done = [r for r in records.values() if r["status"] == "done"]
    failed = [r for r in records.values() if r["status"] == "failed"]
    folder.finished()
    drawn = _sample(folder, done, on_unreadable)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.0, 6.2), layout="constrained")
        sizes, cost, dipoles, signals, spectra, failures = figure.subplots(2, 3).flat
        _sizes(sizes, done)
        _cost(cost, done)
        dipoles.hist([np.ptp(t.dipole_au, axis=0).max() * 1e3 for t in drawn], bins=30, color="#228833")
        dipoles.set(title="Range of the induced dipole", xlabel="10⁻³ e·bohr", ylabel="trajectories")
        for t in drawn:
            signals.plot(t.times_fs, np.linalg.norm(t.dipole_au - t.dipole_au[0], axis=1) * 1e3, lw=0.4, alpha=0.4)
        signals.set(title="Induced dipoles in time", xlabel="time (fs)", ylabel="|µ − µ(0)| (10⁻³ e·bohr)")
        _spectra(spectra, drawn)
        _failures(failures, failed)
        shown = f" · dipoles and spectra of {len(drawn)}" if len(drawn) < len(done) else ""
        figure.suptitle(
            f"{folder.root.resolve().name} · {len(done)} finished, {len(failed)} failed{shown}", fontsize=11
        )
    return figure


def _sample(
    folder: DatasetFolder, done: Sequence[Record], on_unreadable: Callable[[str], None] | None
) -> list[Trajectory]:
    chosen = np.random.default_rng(0).permutation(len(done))[:DRAWN_AT_MOST]
    paths = [folder.path(done[i]["id"]) for i in sorted(chosen)]
    found = []
    for path, reason in zip(paths, refusals(paths), strict=True):
        try:
            if reason:
                raise ContractError(f"{path}: {reason}")
            found.append(read_trajectory(path, examined=True))
        except (ContractError, InputError) as error:
            if on_unreadable is not None:
                on_unreadable(str(error))
    if not found:
        raise InputError(f"no trajectory of {folder.root} can be read; see 'tdddft validate {folder.root}'")
    return found


def _sizes(axes: Axes, done: Sequence[Record]) -> None:
    atoms = [r.get("atoms", 0) for r in done]
    axes.hist(atoms, bins=np.arange(min(atoms) - 0.5, max(atoms) + 1.5).tolist(), color="#4477AA", rwidth=0.9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title=f"Size (mean {np.mean(atoms):.1f})", xlabel="atoms", ylabel="trajectories")


def _cost(axes: Axes, done: Sequence[Record]) -> None:
    orbitals = [r.get("orbitals", 0) for r in done]
    for key, label, color in (
        ("seconds", "propagation", "#EE6677"),
        ("ground_state_seconds", "ground state", "#BBBBBB"),
    ):
        axes.plot(orbitals, [r.get(key) or np.nan for r in done], ".", color=color, alpha=0.5, label=label)
    total = sum((r.get("seconds") or 0.0) + (r.get("ground_state_seconds") or 0.0) for r in done)
    axes.set(title=f"Cost ({total / 3600:.1f} core-hours)", xlabel="atomic orbitals", ylabel="seconds", yscale="log")
    axes.legend(frameon=False, fontsize=8)


def _spectra(axes: Axes, drawn: Sequence[Trajectory]) -> None:
    curves = []
    for t in drawn:
        try:
            spectrum = absorption_spectrum(t, max_energy_ev=20.0, step_ev=0.05)
        except InputError:  # no field, or one that turns: no spectrum along it
            continue
        seen = np.where(spectrum.field_weight > FIELD_FLOOR, spectrum.strength_per_hartree / HARTREE_EV, np.nan)
        curves.append((spectrum.energy_ev, seen))
        axes.plot(*curves[-1], color="#4477AA", lw=0.4, alpha=0.25)
    axes.set(title="Absorption along the field", xlabel="energy (eV)", ylabel="strength function (1/eV)")
    if not curves:
        axes.text(0.5, 0.5, "no spectra: the fields turn", ha="center", transform=axes.transAxes)
    elif len({len(e) for e, _ in curves}) == 1 and len(curves) > 1:
        together = np.array([s for _, s in curves])
        visible = np.isfinite(together).any(axis=0)
        axes.plot(
            curves[0][0][visible], np.nanmean(together[:, visible], axis=0), color="#332288", lw=1.5, label="mean"
        )
        axes.legend(frameon=False, fontsize=8)


def _failures(axes: Axes, failed: Sequence[Record]) -> None:
    axes.set(title="Failures")
    if not failed:
        axes.text(0.5, 0.5, "none", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    reasons = Counter(str(r.get("error", "")).split(":")[0] for r in failed).most_common(REASONS_SHOWN)
    axes.barh([name for name, _ in reasons][::-1], [count for _, count in reasons][::-1], color="#AA3377")
    axes.set(xlabel="trajectories")
