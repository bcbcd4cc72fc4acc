"""Manifests, data set layouts, clip sets and batches."""
