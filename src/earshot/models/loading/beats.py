"""The released BEATs files: pre-trained encoders, fine-tuned ones, and tokenizers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsConfig
from earshot.encoders.beats_tokenizer import BeatsTokenizer, BeatsTokenizerConfig
from earshot.features.kaldi import KaldiFbankConfig
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.layers.ema_codebook import EmaCodebookConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.load_report import LoadReport
from earshot.models.loading.weights import Placement, read_torch, tensors_of
from earshot.models.sound_encoder import SoundEncoder

ENCODER, TABLE = "encoder.layers.", ".self_attn.relative_attention_bias.weight"
BOOK = "quantize.embedding.weight"
CONV = "encoder.pos_conv.0."
RENAMED = {
    f"{CONV}parametrizations.weight.original0": f"{CONV}weight_g",  # newer torch's words
    f"{CONV}parametrizations.weight.original1": f"{CONV}weight_v",
    BOOK: "quantize.weight",
    "quantize.embedding.initted": "quantize.started",
    "quantize.cluster_size": "quantize.usage",
}
UNUSED = ("quantize.embedding.cluster_size", "quantize.embedding.embed_avg")  # never read there


def is_beats(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of BEATs."""
    return {"patch_embedding.weight", f"{ENCODER}0.self_attn.grep_a"} <= state.keys()


def load_beats(
    state: Mapping[str, Tensor], path: Path, whole: Any
) -> tuple[SoundEncoder, LoadReport]:
    """The model of a file's state dict; `whole` is all that the file holds: cfg and label_dict too.

    Of a tokenizer this is its encoder; `read_beats_tokenizer` gives the tokenizer itself. The
    labels of a fine-tuned model are `audio_encoder.labels`.
    """
    config = _sizes(state, path, whole)
    model = build_sound_encoder(
        SoundEncoderConfig(audio=AudioTower(beats=config), fbank=KaldiFbankConfig.beats())
    )
    encoder = model.audio_encoder
    encoder.labels = _labels(whole, config.n_classes, path)
    kind = "BEATs, pre-trained"
    if config.n_classes:
        kind = f"BEATs, fine-tuned to {config.n_classes} classes"
    if BOOK in state:
        kind = "BEATs tokenizer, its encoder alone"
        state = {name: value for name, value in state.items() if "quantize" not in name}
    placement = Placement()
    for name, tensor in state.items():
        if not _repeats_table(name):
            placement.put(name, {RENAMED.get(name, name): tensor})
    missing = placement.place_into(encoder, path)
    return model.eval(), _report(path, kind, placement, missing)


def read_beats_tokenizer(path: Path) -> tuple[BeatsTokenizer, LoadReport]:
    """The tokenizer of a released file in eval mode, and what became of its keys.

    It takes what `KaldiFbank(KaldiFbankConfig.beats())` gives.
    """
    whole = read_torch(path)
    state = tensors_of(whole, path)
    if not is_beats(state) or BOOK not in state:
        raise EarShotError(
            got=f"{path} without {BOOK}",
            expected="a tokenizer of BEATs, such as Tokenizer_iter3.pt",
            mend="Load encoders as any model: earshot.load.",
        )
    n_codes, dim = state[BOOK].shape
    config = BeatsTokenizerConfig(_sizes(state, path, whole), EmaCodebookConfig(n_codes, dim))
    with torch.random.fork_rng(devices=[]):
        tokenizer = BeatsTokenizer(config)
    placement = Placement()
    for name, tensor in state.items():
        if name.startswith("quantize_layer."):
            placement.put(name, {name: tensor})
        elif name.startswith("quantize."):
            target = RENAMED.get(name)
            shaped = tensor.reshape(()).bool() if name.endswith("initted") else tensor
            placement.put(name, {target: shaped} if target else {})
        elif not _repeats_table(name):
            placement.put(name, {f"encoder.{RENAMED.get(name, name)}": tensor})
    for name, value in (("usage", torch.zeros(n_codes)), ("started", torch.tensor(True))):
        if f"quantize.{name}" not in placement.state:  # statistics: nothing is said by them
            placement.put(f"quantize.{name}", {f"quantize.{name}": value})
    missing = placement.place_into(tokenizer, path)
    return tokenizer.eval(), _report(path, "BEATs tokenizer", placement, missing)


def _repeats_table(name: str) -> bool:
    """Whether it is the one table of distances again, under another layer's name than the first."""
    return name.endswith(TABLE) and not name.startswith(f"{ENCODER}0.")


def _sizes(state: Mapping[str, Tensor], path: Path, whole: Any) -> BeatsConfig:
    """Sizes by the tensors' shapes; what shapes do not show, by the file's cfg."""
    cfg = whole.get("cfg") if isinstance(whole, Mapping) else None
    cfg = cfg if isinstance(cfg, Mapping) else {}
    other = cfg.get("layer_norm_first", False) or not cfg.get("gru_rel_pos", True)
    tables = [value for name, value in state.items() if name.endswith(TABLE)]
    same = all(torch.equal(tables[0], each) for each in tables[1:])
    if other or not tables or not same or cfg.get("conv_bias", False):
        raise EarShotError(
            got=f"{path}, a BEATs of another form than the released ones",
            expected="post-norm layers that share one table of gated distances",
            mend="Load one of the files that Microsoft released.",
        )
    try:
        patch_embedding = state["patch_embedding.weight"]
        layers = {name.removeprefix(ENCODER).partition(".")[0] for name in state
                  if name.startswith(ENCODER)}  # fmt: skip
        old, new = f"{CONV}weight_v", f"{CONV}parametrizations.weight.original1"
        taps = state[old if old in state else new]
        first = f"{ENCODER}0."
        dim = len(state[f"{first}final_layer_norm.weight"])
        transformer = DeepNormConfig(
            dim=dim,
            depth=len(layers),
            n_heads=state[f"{first}self_attn.grep_a"].shape[1],
            mlp_dim=len(state[f"{first}fc1.weight"]),
            conv_width=taps.shape[2],
            conv_groups=dim // taps.shape[1],
            n_buckets=len(tables[0]),
            max_distance=int(cfg.get("max_distance", 800)),
            deep_norm=bool(cfg.get("deep_norm", True)),
        )
        config = BeatsConfig(
            patch=patch_embedding.shape[2], embed_dim=len(patch_embedding), transformer=transformer
        )
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as fault:
        raise EarShotError(
            got=f"{path}, whose tensors are not those of a BEATs ({fault})",
            expected="every weight under its released name",
            mend="The file is incomplete: download it again from its authors.",
        ) from fault
    predictor = state.get("predictor.weight")
    return config if predictor is None else replace(config, n_classes=len(predictor))


def _labels(whole: Any, n_classes: int, path: Path) -> tuple[str, ...]:
    """Names of the classes in their order; none where the file does not say them."""
    names = whole.get("label_dict") if isinstance(whole, Mapping) else None
    if not n_classes or not isinstance(names, Mapping):
        return ()
    found = {int(index): str(name) for index, name in names.items()}
    if sorted(found) != list(range(n_classes)):
        raise EarShotError(
            got=f"{path} with names for {len(found)} of {n_classes} classes",
            expected="a name for each",
            mend="The file is damaged: download it again from its authors.",
        )
    return tuple(found[index] for index in range(n_classes))


def _report(path: Path, kind: str, placement: Placement, missing: tuple[str, ...]) -> LoadReport:
    return LoadReport(
        source=str(path),
        kind=kind,
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(name for name in placement.unexpected if name not in UNUSED),
    )
