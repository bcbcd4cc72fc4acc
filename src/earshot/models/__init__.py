"""Compositions that recipes share, and the loaders of published checkpoints."""
