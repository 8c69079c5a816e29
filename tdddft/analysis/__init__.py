"""What is computed from trajectories: spectra, observables, densities, figures."""
