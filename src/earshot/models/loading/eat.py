"""The released EAT files: fairseq's checkpoints, pre-trained or fine-tuned, without fairseq."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.eat import EatConfig
from earshot.features.kaldi import KaldiFbankConfig
from earshot.layers.post_norm_transformer import PostNormConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.load_report import LoadReport
from earshot.models.loading.weights import Placement
from earshot.models.sound_encoder import SoundEncoder

HEAD_DIM = 64  # of an attention head, in both released sizes
IMAGE = "modality_encoders.IMAGE."
PATCHES = f"{IMAGE}local_encoder.proj.weight"
RENAMED = (
    (f"{IMAGE}local_encoder.proj.", "proj."),
    (f"{IMAGE}extra_tokens", "extra_tokens"),
    (f"{IMAGE}fixed_positional_encoder.positions", "positions"),
    (f"{IMAGE}context_encoder.norm.", "norm."),
    ("blocks.", "blocks."),
    ("fc_norm.", "fc_norm."),
    ("head.", "head."),
)
TRAINING = re.compile(rf"_ema(\.|$)|{re.escape(IMAGE)}decoder\.|{re.escape(IMAGE)}context_encoder"
                      r"\.blocks\.|decoder\.")  # fmt: skip
MEAN, STD = -4.268, 4.569
WINDOW_S = 10.24


def is_eat(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of EAT, fine-tuned files and hub folders with a prefix."""
    return (
        PATCHES in state
        or f"model.{PATCHES}" in state
        or "model.local_encoder.proj.weight" in (state)
    )


def load_eat(state: Mapping[str, Tensor], path: Path) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of a file: every clip filled up to 10.24 s, as it was trained.

    What pre-training alone needs (decoder, teacher) is left out and not counted as unexpected.
    """
    plain = {_plain(name): (name, tensor) for name, tensor in state.items()}
    config = _config({name: tensor for name, (_, tensor) in plain.items()}, path)
    model = build_sound_encoder(
        SoundEncoderConfig(
            audio=AudioTower(eat=config), fbank=eat_fbank(config.n_mels), window_s=WINDOW_S
        )
    )
    placement = Placement()
    for name, (old, tensor) in plain.items():
        if TRAINING.match(name):
            continue
        new = next((to + name.removeprefix(of) for of, to in RENAMED if name.startswith(of)), None)
        placement.put(old, {new: tensor} if new else {})
    missing = placement.place_into(model.audio_encoder, path)
    return model.eval(), LoadReport(
        source=str(path),
        kind=f"EAT, fine-tuned to {config.n_classes} classes"
        if config.n_classes
        else "EAT, pre-trained",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
    )


def eat_fbank(n_mels: int = 128) -> KaldiFbankConfig:
    """EAT's front end: a Hann window, no gain; (x + 4.268) / (2 * 4.569)."""
    return KaldiFbankConfig(n_mels=n_mels, window="hanning", mean=MEAN, std=STD)


def _plain(name: str) -> str:
    """A name as pre-trained files have it: fine-tuned and hub files say "model." before it."""
    name = name.removeprefix("model.")
    parts = ("local_encoder.", "extra_tokens", "fixed_positional_encoder.", "pre_norm.")
    if name.startswith("pre_norm."):
        return f"{IMAGE}context_encoder.norm." + name.removeprefix("pre_norm.")
    return IMAGE + name if name.startswith(parts) else name


def _config(state: Mapping[str, Tensor], path: Path) -> EatConfig:
    """Sizes of the encoder, from the shapes of its weights."""
    try:
        dim, _, patch, _ = state[PATCHES].shape
        n_bands = 128 // patch
        places = state[f"{IMAGE}fixed_positional_encoder.positions"].shape[1]
        blocks = {name.split(".")[1] for name in state if name.startswith("blocks.")}
        head = state.get("head.weight")
        return EatConfig(
            patch=patch,
            most_times=places // n_bands,
            n_frames=min(1_024, places // n_bands * patch),
            fill=-MEAN / (2 * STD),
            n_classes=0 if head is None else len(head),
            transformer=PostNormConfig(
                dim=dim,
                depth=len(blocks),
                n_heads=max(1, dim // HEAD_DIM),
                mlp_dim=len(state["blocks.0.mlp.fc1.weight"]),
            ),
        )
    except (KeyError, ValueError, ZeroDivisionError) as fault:
        raise EarShotError(
            got=f"{path}, whose tensors are not those of an EAT ({fault})",
            expected="every weight under its released name",
            mend="The file is incomplete: download it again from its authors.",
        ) from fault
