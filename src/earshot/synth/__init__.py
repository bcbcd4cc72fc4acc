"""Procedural sounds, scenes, tunes and speech with exact captions and event lists."""
