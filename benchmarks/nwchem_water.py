"""The water tutorial of NWChem's RT-TDDFT page, beside NWChem itself and the output that the page publishes.

    python benchmarks/nwchem_water.py --deck water.nw
    nwchem water.nw > water.nwo
    OMP_NUM_THREADS=1 python benchmarks/nwchem_water.py --nwchem water.nwo --published RT_TDDFT_h2o_abs.nwo.gz --out OUT

The published output lies beside the page, https://nwchemgit.github.io/RT-TDDFT.html. PBE0/6-31G, kicks along x, y and
z, 1,000 steps of 0.2 au. Ours: exact integrals, float64, PySCF's grid level 2, and NWChem's scheme, the exponential
midpoint to self-consistency. Spectra as on the page: the dipole along the kick less its first value, damped by
exp(-t/50 au), transformed; times omega, summed over the kicks. ``OUT`` is a folder.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE, save_figure
from tdddft import GroundState, Hamiltonian, Kick, Method, Midpoint, Molecule, ground_state, propagate
from tdddft.analysis.linear_response import linear_response_roots
from tdddft.units import AU_TIME_FS, HARTREE_EV

ATOMS = """O     0.00000000    -0.00001441    -0.34824012
  H    -0.00000000     0.76001092    -0.93285191
  H     0.00000000    -0.75999650    -0.93290797"""
DT_AU, STRENGTH_AU, STEPS, DAMPING_AU = 0.2, 1e-4, 1000, 50.0
AXES = "xyz"
PUBLISHED, NWCHEM, OURS = "published output", "NWChem", "tdddft"
DIPOLE = re.compile(r"^kick_([xyz])\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+# Dipole moment", re.MULTILINE)
ROOT = re.compile(r"Root\s+\d+ singlet a\s+\S+ a\.u\.\s+(\S+) eV.*?Dipole Oscillator Strength\s+(\S+)", re.DOTALL)
DECK = f"""title "Water TD-PBE0 absorption spectrum"
start water
geometry "system" units angstroms nocenter noautoz noautosym
  {ATOMS}
end
set geometry "system"
basis
 * library 6-31G
end
dft
 xc pbe0
end
task dft energy
tddft
  rpa
  nroots 10
  notriplet
end
task tddft energy
"""
KICK_DECK = """unset rt_tddft:*
rt_tddft
  tmax {duration}
  dt {dt}
  tag "kick_{axis}"
  print dipole
  field "kick"
    type delta
    polarization {axis}
    max {strength}
  end
  excite "system" with "kick"
end
task dft rt_tddft
"""


def deck() -> str:
    """The page's input with the line ``print dipole``, without which NWChem 7.0.2 stops, and with linear response."""
    kicks = (KICK_DECK.format(duration=STEPS * DT_AU, dt=DT_AU, axis=axis, strength=STRENGTH_AU) for axis in AXES)
    return DECK + "".join(kicks)


def dipoles_of(output: str) -> np.ndarray:
    """Dipole along each kick less its first value, float64 [3, frames]."""
    rows = DIPOLE.findall(output)
    along = [[float(row[2 + number]) for row in rows if row[0] == axis] for number, axis in enumerate(AXES)]
    frames = min(map(len, along))
    dipole = np.array([values[:frames] for values in along])
    return dipole - dipole[:, :1]


def residual_motion(output: str) -> float:
    """Range of the dipole along z after the kick along x, which a converged ground state would not move at all, au."""
    along_z = [float(row[4]) for row in DIPOLE.findall(output) if row[0] == "x"]
    return max(along_z) - min(along_z)


def our_dipoles(state: GroundState) -> np.ndarray:
    """The same of our propagation."""
    hamiltonian, rows = Hamiltonian(state), []
    for number, direction in enumerate(np.eye(3)):
        kick = Kick(STRENGTH_AU * DT_AU / 2, tuple(direction), width_fs=DT_AU * AU_TIME_FS)  # what NWChem's delta does
        t = propagate(
            state, kick, STEPS, DT_AU * AU_TIME_FS, save_every=1, hamiltonian=hamiltonian,
            propagator=Midpoint(tolerance=1e-8),
        )  # fmt: skip
        rows.append(t.dipole_au[:, number] - t.dipole_au[0, number])
    return np.array(rows)


def spectrum(dipoles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axis in eV and strength per hartree, as the page makes it, with the impulse that the kick has."""
    frames = dipoles.shape[1]
    times = np.arange(frames) * DT_AU
    omega = np.arange(0.01, 25.0, 0.01) / HARTREE_EV
    wave = np.exp(1j * np.outer(omega, times) - times / DAMPING_AU) * DT_AU
    alpha = (dipoles @ wave.T).sum(axis=0) / (STRENGTH_AU * DT_AU / 2)
    return omega * HARTREE_EV, 2 * omega / (3 * np.pi) * alpha.imag


def unprocessed(dipoles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The spectrum by fft1d.m and rotate_fft.py as they are shipped: no damping, no padding, the modulus of Im."""
    frames = dipoles.shape[1]
    half = frames // 2
    omega = np.linspace(0.0, half * 2 * np.pi / ((frames - 1) * DT_AU), half)
    transformed = np.fft.fft(dipoles, axis=1)[:, :half]
    return omega * HARTREE_EV, omega * np.abs(transformed.imag).sum(axis=0)


def peaks(energy_ev: np.ndarray, strength: np.ndarray) -> list[float]:
    """Maxima above 3 % of the highest below 20 eV, refined by a parabola, eV."""
    y, found = strength[energy_ev < 20.0], []
    for i in range(1, len(y) - 1):
        if y[i] > y[i - 1] and y[i] >= y[i + 1] and y[i] > 0.03 * y.max():
            offset = 0.5 * (y[i - 1] - y[i + 1]) / (y[i - 1] - 2 * y[i] + y[i + 1])
            found.append(float(energy_ev[i] + offset * (energy_ev[1] - energy_ev[0])))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--deck", type=Path, help="write the input of NWChem here, and end")
    parser.add_argument("--nwchem", type=Path, help="what NWChem made of it")
    parser.add_argument("--published", type=Path, help="RT_TDDFT_h2o_abs.nwo.gz")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.deck:
        arguments.deck.write_text(deck())
        return
    if not (arguments.nwchem and arguments.published and arguments.out):
        parser.error("--deck, or --nwchem, --published and --out")
    output, published = arguments.nwchem.read_text(), gzip.decompress(arguments.published.read_bytes()).decode()
    traces = {PUBLISHED: dipoles_of(published), NWCHEM: dipoles_of(output)}
    positions = np.array([line.split()[1:] for line in ATOMS.splitlines()], float)
    molecule = Molecule("water", np.array([8, 1, 1]), positions)
    method = Method(
        functional="PBE0", basis="6-31g", pseudopotential=None, density_fitting=False, grid_level=4, response_grid=2,
        response_precision="float64",
    )  # fmt: skip
    state = ground_state(molecule, method)
    traces[OURS] = our_dipoles(state)
    frames = min(trace.shape[1] for trace in traces.values())
    traces = {label: trace[:, :frames] for label, trace in traces.items()}
    span = np.abs(traces[NWCHEM]).max(axis=1)
    spectra = {label: spectrum(trace) for label, trace in traces.items()}
    roots = linear_response_roots(state, 10)
    lines = zip(roots.energies_ev, roots.strengths(), strict=True)
    mine = [{"ev": float(ev), "strength": float(f)} for ev, f in lines]
    theirs = [{"ev": float(ev), "strength": float(f)} for ev, f in ROOT.findall(output)]
    values = {
        "codes": [
            {
                "code": label,
                "difference_from_nwchem": {
                    axis: float(np.abs(trace[i] - traces[NWCHEM][i]).max() / span[i]) for i, axis in enumerate(AXES)
                },
            }
            for label, trace in traces.items()
        ],
        "peaks": [
            {"root": a, "nwchem_root": b, **_nearest(spectra, a["ev"])}
            for a, b in zip(mine, theirs, strict=False)  # the input asks for ten, too
            if a["strength"] > 1e-3 and a["ev"] < 20.0
        ],
        "residual_motion_au": {PUBLISHED: residual_motion(published), NWCHEM: residual_motion(output)},
        "range_along_z_au": float(np.ptp(traces[NWCHEM][2])),
        "unprocessed_peaks_ev": peaks(*unprocessed(traces[PUBLISHED])),
        "bin_ev": 2 * np.pi / (frames * DT_AU) * HARTREE_EV,
    }  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "results.json").write_text(json.dumps(values, indent=1) + "\n")
    save_figure(_figure(spectra, unprocessed(traces[PUBLISHED]), mine), arguments.out / "nwchem_water.png")
    print(json.dumps(values, indent=1))


def _nearest(spectra: dict[str, tuple[np.ndarray, np.ndarray]], ev: float) -> dict[str, float]:
    """Of each spectrum, the peak next to a root."""
    labels = {PUBLISHED: "published_ev", NWCHEM: "nwchem_ev", OURS: "ours_ev"}
    return {key: min(peaks(*spectra[label]), key=lambda e: abs(e - ev)) for label, key in labels.items()}


def _figure(
    spectra: dict[str, tuple[np.ndarray, np.ndarray]],
    shipped: tuple[np.ndarray, np.ndarray],
    roots: list[dict[str, float]],
) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        styles = {PUBLISHED: ("C7", 4.0, "-"), NWCHEM: ("C0", 2.0, "-"), OURS: ("C1", 1.2, "--")}
        for label, (colour, width, line) in styles.items():
            left.plot(*spectra[label], color=colour, lw=width, ls=line, label=label)
        for i, root in enumerate(roots):
            label = "linear response (x 10)" if i == 0 else None
            left.vlines(root["ev"], 0, 10 * root["strength"], color="C2", lw=1.5, label=label)
        left.set(xlim=(0, 25), ylim=(0, None), xlabel="energy (eV)", ylabel="strength (1/hartree)")
        left.set_title("as the page says")
        left.legend(fontsize=7)
        right.plot(shipped[0], shipped[1] / shipped[1][shipped[0] < 25].max(), color="C3", marker=".", lw=1)
        right.set(xlim=(0, 25), ylim=(0, 1.1), xlabel="energy (eV)", ylabel="arbitrary units")
        right.set_title("by the scripts as they are shipped")
    return figure


if __name__ == "__main__":
    main()
