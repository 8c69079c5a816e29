"""Trained predictors beside baselines, on chains and sites that they have not seen."""
