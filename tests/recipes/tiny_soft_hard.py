"""The recipe at the size of a test: thirty scenes, one layer."""

from __future__ import annotations

from dataclasses import replace

from earshot.decoders.language_model import LanguageModelConfig
from earshot.recipes.soft_hard_prompts import Config


def tiny_config(steps: int = 4) -> Config:
    small = Config.small()
    writer = LanguageModelConfig(
        dim=32, depth=1, n_heads=2, vocab_size=300, max_positions=128, dropout=0.0
    )
    toy = replace(
        small.toy,
        n_clips=24,
        n_heard=16,
        n_texts=60,
        clap_fit=replace(small.toy.clap_fit, steps=3),
        clap_batch=8,
    )
    mapper = replace(small.model.mapper, n_vectors=2, hidden=0)
    return replace(
        small,
        model=replace(small.model, writer=writer, mapper=mapper),
        fit=replace(small.fit, steps=steps, checkpoint_every=2),
        batch_size=8,
        toy=toy,
    )
