"""Search, alignment and embeddings of sequences."""
