"""Outputs and references to the number that a table prints."""
