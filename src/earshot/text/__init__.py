"""Captions to tokens: tokenizers, prompts, caption edits."""
