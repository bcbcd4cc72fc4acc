"""Attention, conv blocks, pooling, positions, projections."""
