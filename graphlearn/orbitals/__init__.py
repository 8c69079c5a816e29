"""Orbitals in time: data, training task, rollout, metrics and baselines of OrbEvo and ResponseOrbEvo."""
