"""Training, rollout, metrics and checkpoints."""
