"""Trajectories as samples to learn from."""
