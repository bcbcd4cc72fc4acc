"""The embedding store behind index and search."""
