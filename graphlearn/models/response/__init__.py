"""ResponseOrbEvo: learned kernel and exact dynamics of the response."""
