"""Encoders with what teaches them: heads, teachers and targets that are left behind afterwards."""
