"""Predictions of terms: the trained network, similar chains, probabilities, and what is drawn of them."""
