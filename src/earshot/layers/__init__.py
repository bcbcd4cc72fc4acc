"""Attention, projections, fusion, pooling, positions: what encoders are made of."""
