"""Training and comparison of graph and node predictors."""
