"""The model that ships, as a config of the clap recipe."""

from __future__ import annotations

from earshot.encoders.earshot_cnn import EarshotCnnConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.models.towers import AudioTower, BpeText, TextTower, TwoTowerConfig
from earshot.recipes.clap import Config

CONFIG = Config(
    model=TwoTowerConfig(
        features=LogMelConfig.panns_32k(),
        audio=AudioTower(earshot=EarshotCnnConfig()),
        text=TextTower(bpe=BpeText(transformer=TextTransformerConfig(dim=256, depth=3))),
        dim=256,
        window_s=10.0,
        fill="none",
    ),
    prompt="{label}",
)
