"""Trained predictors beside baselines, on chains and sites that they were not trained on."""
