"""Errors, shapes, configs, seeds, checkpoints, papers, reports: what every room uses."""
