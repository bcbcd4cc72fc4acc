"""Embeddings, logits or signals to one scalar."""
