"""From structure files to chains."""
