"""``tdddft observe``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from graphlearn.base.cli.shell import out


def observe(
    file: Annotated[Path, typer.Argument(help="a trajectory file")],
    csv: Annotated[Path | None, typer.Option(help="write everything, frame by frame, here")] = None,
    figure: Annotated[Path | None, typer.Option(help="write a figure here")] = None,
) -> None:
    """Populations of ground-state orbitals, Mulliken and ionised charges, energies and conservation laws in time.

    Example: tdddft observe runs/small/trajectories/H2O_d0.h5 --csv water.csv --figure water.png
    """
    from tdddft.analysis.observables import (
        field_energy_hartree,
        ground_orbital_populations,
        idempotency_error,
        mulliken_charges,
    )
    from tdddft.trajectory import read_trajectory

    t = read_trajectory(file)
    energies, populations = ground_orbital_populations(t)
    charges, occupied = mulliken_charges(t), len(t.occupations)
    excited = populations[:, occupied:].sum(axis=1)
    out.print(
        f"{t.name}: {len(t.times_fs)} frames to {t.times_fs[-1]:.4g} fs, {occupied} occupied of {len(energies)}",
        markup=False,
    )
    out.print(f"electrons outside the occupied orbitals: {excited[-1]:.3e} at the end, {excited.max():.3e} at most")
    moved = np.ptp(charges, axis=0)
    atom = int(moved.argmax())
    out.print(f"largest change of a Mulliken charge: {moved[atom]:.3e} e, on {t.atom_labels[atom]}")
    if t.ionised_charge is None:
        worst = t.norm_error.max(), idempotency_error(t).max()
        out.print(f"largest error: orthonormality {worst[0]:.1e}, idempotency {worst[1]:.1e}")
    else:
        out.print(f"ionised charge: {t.ionised_charge[-1]:.6f} e at the end")
    if csv is not None:
        columns = {"time_fs": t.times_fs, "energy_hartree": t.energy_hartree}
        if t.ionised_charge is not None:
            columns["ionised_charge_e"] = t.ionised_charge
        columns["field_energy_hartree"] = field_energy_hartree(t)
        columns |= {f"dipole_{axis}_au": t.dipole_au[:, i] for i, axis in enumerate("xyz")}
        columns |= {f"population_{i}": populations[:, i] for i in range(populations.shape[1])}
        columns |= {f"charge_{label}_e": charges[:, i] for i, label in enumerate(t.atom_labels)}
        np.savetxt(csv, np.column_stack(list(columns.values())), delimiter=",", header=",".join(columns), comments="")
        out.print(f"wrote {csv}")
    if figure is not None:
        from graphlearn.base.plotting import save_figure
        from tdddft.analysis.figures import observables_figure

        out.print(f"wrote {save_figure(observables_figure(t), figure)}")
