"""Frames or tokens to hidden states and embeddings."""
