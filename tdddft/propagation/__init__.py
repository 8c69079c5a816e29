"""Real-time propagation: engine, schemes, checkpoints."""
