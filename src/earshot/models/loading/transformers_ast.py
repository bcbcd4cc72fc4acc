"""Directories of `transformers` with an Audio Spectrogram Transformer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.patches import PatchConfig
from earshot.encoders.spectrogram_transformer import (
    SpectrogramTransformer,
    SpectrogramTransformerConfig,
)
from earshot.features.kaldi import KaldiFbank, KaldiFbankConfig
from earshot.models.load_report import LoadReport
from earshot.models.loading.library_folder import (
    CONFIG,
    front_end_facts,
    read_json,
    read_weights,
)
from earshot.models.loading.weights import Placement
from earshot.models.sound_encoder import SoundEncoder

MODEL_TYPE = "audio-spectrogram-transformer"
PREFIX = "audio_spectrogram_transformer."  # with a classifier on top
FIXED = {
    "embeddings.cls_token": "cls_token",
    "embeddings.distillation_token": "dist_token",
    "embeddings.position_embeddings": "pos_embed",
}
PARTS = {  # of either version of the library -> ours
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "layernorm": "norm",
}
LAYER = re.compile(r"(?:encoder\.layer|layers)\.(\d+)\.(.+)\.(weight|bias)")
IN_LAYER = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.output.dense": "attn.proj",
    "attention.o_proj": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "mlp.fc1": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "mlp.fc2": "mlp.fc2",
}
QKV = {  # three maps there, one here
    "attention.attention.query": 0,
    "attention.q_proj": 0,
    "attention.attention.key": 1,
    "attention.k_proj": 1,
    "attention.attention.value": 2,
    "attention.v_proj": 2,
}


def is_ast_folder(folder: Path) -> bool:
    """Whether a directory's config says that it is an AST."""
    path = folder / CONFIG
    return path.is_file() and read_json(path).get("model_type") == MODEL_TYPE


def load_ast_folder(folder: Path) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of the directory, with or without a classifier, which is left out.

    Its clip vector is the mean of cls and dist, the library's `pooler_output`.
    """
    facts = read_json(folder / CONFIG)
    front_end = _front_end(folder, facts)
    config = _config(folder, facts, front_end)
    encoder = SpectrogramTransformer(config)
    placement = _rename(read_weights(folder))
    missing = placement.place_into(encoder, folder)
    model = SoundEncoder(
        features=KaldiFbank(front_end),
        audio_encoder=encoder,
        sample_rate=front_end.sample_rate,
        window_s=config.most_frames * front_end.hop_length / front_end.sample_rate,
    )
    report = LoadReport(
        source=str(folder),
        kind=f"transformers AST, {config.dim} wide, {config.depth} layers",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
    )
    return model.eval(), report


def _config(
    folder: Path, facts: Mapping[str, Any], front_end: KaldiFbankConfig
) -> SpectrogramTransformerConfig:
    """The encoder that the directory's config describes; the library's own words for defaults."""
    if facts.get("hidden_act", "gelu") != "gelu":
        raise EarShotError(
            got=f"{folder / CONFIG} with hidden_act={facts['hidden_act']!r}",
            expected="'gelu', as every released AST has it",
            mend="Use another checkpoint.",
        )
    size = _whole(folder, facts, "patch_size", 16)
    return SpectrogramTransformerConfig(
        patches=PatchConfig(
            n_mels=front_end.n_mels,
            height=size,
            width=size,
            mel_stride=_whole(folder, facts, "frequency_stride", 10),
            time_stride=_whole(folder, facts, "time_stride", 10),
        ),
        dim=_whole(folder, facts, "hidden_size", 768),
        depth=_whole(folder, facts, "num_hidden_layers", 12),
        n_heads=_whole(folder, facts, "num_attention_heads", 12),
        mlp_dim=_whole(folder, facts, "intermediate_size", 3_072),
        most_frames=_whole(folder, facts, "max_length", 1_024),
        eps=float(facts.get("layer_norm_eps", 1e-12)),
        qkv_bias=bool(facts.get("qkv_bias", True)),
        padding="attended",
        fill=KaldiFbank(front_end).pad_value,
        pooling="special",
    )


def _front_end(folder: Path, facts: Mapping[str, Any]) -> KaldiFbankConfig:
    """The filter bank of the directory's feature extractor; AudioSet's where it has none."""
    _, said = front_end_facts(folder)
    usual = KaldiFbankConfig.ast()
    normalised = bool(said.get("do_normalize", True))
    return KaldiFbankConfig(
        sample_rate=_whole(folder, said, "sampling_rate", usual.sample_rate),
        n_mels=_whole(folder, facts, "num_mel_bins", usual.n_mels),
        window=usual.window,
        mean=float(said.get("mean", usual.mean)) if normalised else 0.0,
        std=float(said.get("std", usual.std)) if normalised else 0.5,
    )


def _whole(folder: Path, facts: Mapping[str, Any], name: str, usual: int) -> int:
    """A size in the config, of a kind and range that a model can have."""
    value = facts.get(name, usual)
    if not isinstance(value, int) or not 0 < value <= 100_000:
        raise EarShotError(
            got=f"{folder} with {name}={value!r}",
            expected="a whole number from 1 to 100,000",
            mend="Copy the directory again.",
        )
    return value


def _rename(state: Mapping[str, Tensor]) -> Placement:
    """Every key under its name here; query, key and value become one map."""
    placement, thirds = Placement(), dict[str, dict[int, tuple[str, Tensor]]]()
    for name, tensor in state.items():
        bare = name.removeprefix(PREFIX)
        stem, _, kind = bare.rpartition(".")
        layer = LAYER.fullmatch(bare)
        if layer is not None and layer[2] in QKV:
            qkv = f"blocks.{layer[1]}.attn.qkv.{layer[3]}"
            thirds.setdefault(qkv, {})[QKV[layer[2]]] = (name, tensor)
        elif layer is not None and layer[2] in IN_LAYER:
            placement.put(name, {f"blocks.{layer[1]}.{IN_LAYER[layer[2]]}.{layer[3]}": tensor})
        elif bare in FIXED:
            placement.put(name, {FIXED[bare]: tensor})
        else:
            placement.put(name, {f"{PARTS[stem]}.{kind}": tensor} if stem in PARTS else {})
    for new, found in thirds.items():
        if len(found) == 3:  # an incomplete one is missing, which place_into says
            parts = [found[place] for place in range(3)]
            placement.put(parts[0][0], {new: torch.cat([tensor for _, tensor in parts])})
    return placement
