"""Pictures of trajectories, spectra and data sets."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import AXES_COLORS, STYLE
from tdddft.analysis.observables import (
    field_energy_hartree,
    ground_orbital_populations,
    mulliken_charges,
)
from tdddft.analysis.spectrum import FIELD_FLOOR, Spectrum, find_peaks
from tdddft.trajectory import Trajectory
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, HARTREE_EV


def trajectory_figure(trajectory: Trajectory) -> Figure:
    """Field, dipole, energy and orthonormality of one trajectory in time."""
    t = trajectory
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.5, 6.0), layout="constrained")
        field, dipole, energy, norm = figure.subplots(2, 2).flat
        for axis, (name, color) in enumerate(AXES_COLORS.items()):
            field.plot(t.field_times_fs, t.field_au[:, axis] * AU_FIELD_V_PER_ANGSTROM, color=color, label=name)
            dipole.plot(t.times_fs, (t.dipole_au[:, axis] - t.dipole_au[0, axis]) * 1e3, color=color, label=name)
        field.set(title="External field", ylabel="E (V/Å)")
        field.legend(frameon=False, ncols=3)
        dipole.set(title="Induced dipole", ylabel="µ − µ(0) (10⁻³ e·bohr)")
        if np.isfinite(t.energy_hartree).all():
            energy.plot(t.times_fs, (t.energy_hartree - t.energy_hartree[0]) * HARTREE_EV * 1e3, color="#332288")
        else:
            energy.text(0.5, 0.5, "a prediction stores no energy", ha="center", transform=energy.transAxes)
        energy.set(title="Absorbed energy", ylabel="E − E(0) (meV)", xlabel="time (fs)")
        if t.ionised_charge is None:
            norm.semilogy(t.times_fs, np.maximum(t.norm_error, 1e-17), color="#555555")
            norm.set(title="Orthonormality", ylabel="max |C S C† − 1|", xlabel="time (fs)")
        else:
            norm.plot(t.times_fs, t.ionised_charge, color="#CC6677")
            norm.set(title="Absorbed electrons", ylabel="ionised charge (e)", xlabel="time (fs)")
        orbitals = f"{len(t.occupations)} occupied of {len(t.overlap)} orbitals"
        figure.suptitle(f"{t.name} · {t.kind} · {orbitals}", fontsize=11)
    return figure


def spectrum_figure(
    spectra: dict[str, Spectrum], roots: dict[str, tuple[np.ndarray, np.ndarray]] | None = None
) -> Figure:
    """Strength functions with their highest peaks named in eV, and linear-response roots as sticks below.

    Args:
        spectra: Spectra by label.
        roots: Energies in eV [K] and oscillator strengths [K] of linear response by the same labels.

    Returns:
        The figure, to be saved by :func:`graphlearn.base.plotting.save_figure`.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 4.0), layout="constrained")
        axes = figure.subplots()
        for label, spectrum in spectra.items():
            excited = spectrum.field_weight > FIELD_FLOOR
            shown = np.where(excited, spectrum.strength_per_hartree / HARTREE_EV, np.nan)
            (line,) = axes.plot(spectrum.energy_ev, shown, label=label, lw=2.0 if label == "isotropic" else 1.0)
            color = line.get_color()
            named = label == "isotropic" or "isotropic" not in spectra
            highest = sorted(find_peaks(spectrum), key=lambda peak: -peak[1])
            for energy, height in highest[: 5 if named else 0]:
                axes.annotate(
                    f"{energy:.2f}", (energy, height / HARTREE_EV), xytext=(0, 4), textcoords="offset points",
                    ha="center", fontsize=7, color=color,
                )  # fmt: skip
            if roots and label in roots:
                energies, strengths = roots[label]
                floor = -np.nanmax(shown) * 0.25 * strengths / max(strengths.max(), 1e-12)
                axes.vlines(energies, floor, 0.0, color=color, lw=1.5)
        if roots:
            axes.plot([], [], color="#555555", lw=1.5, label="linear-response roots (downwards)")
        last = max(s.energy_ev[-1] for s in spectra.values())
        axes.set(xlabel="energy (eV)", ylabel="strength function (1/eV)", xlim=(0, last))
        axes.legend(frameon=False, fontsize=8)
    return figure


def observables_figure(trajectory: Trajectory) -> Figure:
    """Electrons that left the occupied orbitals, charges of the atoms, and the energy with and without the field."""
    t = trajectory
    energies, populations = ground_orbital_populations(t)
    occupied = len(t.occupations)
    left, arrived = t.occupations - populations[:, :occupied], populations[:, occupied:]
    charges = mulliken_charges(t)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.5, 6.0), layout="constrained")
        holes, particles, atoms, energy = figure.subplots(2, 2).flat
        for panel, numbers, first, title in (
            (holes, left, 0, "Electrons that left"), (particles, arrived, occupied, "Electrons that arrived"),
        ):  # fmt: skip
            for column in np.argsort(-numbers.max(axis=0))[:6]:
                index = first + int(column)
                panel.plot(t.times_fs, numbers[:, column], label=f"{index}: {energies[index] * HARTREE_EV:.1f} eV")
            panel.set(title=title, ylabel="electrons")
            panel.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
            panel.legend(framealpha=0.8, fontsize=7, title="orbital", title_fontsize=7, loc="upper right")
        for atom in np.argsort(-np.ptp(charges, axis=0))[:8]:
            label = t.atom_labels[atom]
            atoms.plot(t.times_fs, (charges[:, atom] - charges[0, atom]) * 1e3, label=label)
        atoms.set(title="Mulliken charges", ylabel="q − q(0) (10⁻³ e)", xlabel="time (fs)")
        atoms.legend(frameon=False, fontsize=7, ncols=2)
        own = (t.energy_hartree - t.energy_hartree[0]) * HARTREE_EV * 1e3
        energy.plot(t.times_fs, own, label="molecule", color="#332288")
        field = field_energy_hartree(t)
        energy.plot(
            t.times_fs, own + (field - field[0]) * HARTREE_EV * 1e3, label="with the field", color="#CC6677", lw=0.8
        )
        energy.set(title="Energy", ylabel="meV", xlabel="time (fs)")
        energy.legend(frameon=False, fontsize=8)
        figure.suptitle(f"{t.name} · {t.kind}", fontsize=11)
    return figure
