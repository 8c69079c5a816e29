"""OrbEvo: blocks, mode basis, uncoupled response."""
