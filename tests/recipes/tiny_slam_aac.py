"""The recipe at the size of a test: thirty scenes, one layer."""

from __future__ import annotations

from dataclasses import replace

from earshot.decoders.language_model import LanguageModelConfig, LoraSettings
from earshot.encoders.eat import EatConfig
from earshot.layers.post_norm_transformer import PostNormConfig
from earshot.models.audio_tower import AudioTower
from earshot.models.pretraining.ufo import UfoConfig
from earshot.recipes.slam_aac import Config


def tiny_config(steps: int = 4) -> Config:
    small = Config.small()
    eat = EatConfig(
        n_mels=64,
        most_times=13,
        n_frames=208,
        fill=2.5,
        pooling="mean",
        transformer=PostNormConfig(dim=16, depth=1, n_heads=2, mlp_dim=16),
    )
    writer = LanguageModelConfig(
        dim=32,
        depth=1,
        n_heads=2,
        vocab_size=300,
        max_positions=128,
        dropout=0.0,
        lora=LoraSettings(r=2, alpha=8.0, dropout=0.1, targets=("c_attn",)),
    )
    toy = replace(
        small.toy,
        n_clips=24,
        n_heard=12,
        n_judged=6,
        n_texts=40,
        ears_fit=replace(small.toy.ears_fit, steps=2, warmup_steps=1),
        ears_batch=4,
        ufo=UfoConfig(n_clones=2, side=2, decoder_depth=1, decoder_groups=4, decay=0.9),
        writer_fit=replace(small.toy.writer_fit, steps=2, warmup_steps=1),
        writer_batch=4,
        clap_fit=replace(small.toy.clap_fit, steps=2, warmup_steps=1),
        clap_batch=4,
    )
    encoder = replace(small.model.encoder, audio=AudioTower(eat=eat))
    return replace(
        small,
        model=replace(small.model, encoder=encoder, writer=writer, hidden=16),
        fit=replace(small.fit, steps=steps, warmup_steps=1, checkpoint_every=2),
        batch_size=4,
        widths=(2, 3),
        max_tokens=6,
        toy=toy,
    )
