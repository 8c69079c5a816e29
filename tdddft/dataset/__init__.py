"""Data sets of trajectories: recipe, plan, workers, folder."""
