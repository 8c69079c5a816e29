"""Training and judging of predictors of protein function."""
