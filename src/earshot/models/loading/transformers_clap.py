"""CLAP directories in `transformers`' format: read, and written so that others can read ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from earshot.core.errors import EarShotError, unknown_name
from earshot.encoders.htsat import Htsat
from earshot.encoders.pretrained_text import PretrainedText
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.layers.projection import MlpProjection
from earshot.models.load_report import LoadReport
from earshot.models.loading.library_folder import (
    CONFIG,
    FRONT_END,
    front_end_facts,
    read_json,
    read_weights,
)
from earshot.models.loading.text_towers import check_vocabulary
from earshot.models.loading.weights import Placement
from earshot.models.long_clips import LongClips
from earshot.models.sound_encoder import Fill
from earshot.models.two_tower import TwoTower
from earshot.text.pretrained import load_tokenizer, tokenizer_source

FILLS_BY_PADDING: dict[str, Fill] = {"repeatpad": "repeatpad", "repeat": "tile", "pad": "zeros"}
MAX_TOKENS = 77  # what LAION trained with; longer texts are cut
PREFIXES = {  # ours -> theirs
    "audio_encoder.model.": "audio_model.",
    "text_encoder.model.": "text_model.",
    "audio_projection.": "audio_projection.",
    "text_projection.": "text_projection.",
}


def load_transformers(
    folder: Path, tokenizer: str | Path | None = None
) -> tuple[TwoTower, LoadReport]:
    """The model of a CLAP directory: its config, weights, preprocessor and tokenizer files.

    `tokenizer` replaces the directory's own; where it has none, "roberta-base" of the hub is used.
    """
    from transformers import ClapConfig
    from transformers.models.clap.modeling_clap import ClapTextModel

    facts = read_json(folder / CONFIG)
    if facts.get("model_type") != "clap":
        raise EarShotError(
            got=f"{folder / CONFIG} of model_type {facts.get('model_type')!r}",
            expected="'clap'",
            mend="Pass a CLAP directory, such as a copy of laion/clap-htsat-unfused.",
        )
    try:
        config = ClapConfig.from_dict(facts)
    except Exception as fault:  # the library checks its fields with exceptions of many kinds
        raise EarShotError(
            got=f"{folder / CONFIG}: {str(fault).strip().partition(chr(10))[0]}",
            expected="a CLAP config",
            mend="Copy the directory again.",
        ) from fault
    if config.projection_hidden_act != "relu":
        raise EarShotError(
            got=f"projection_hidden_act={config.projection_hidden_act!r}",
            expected="'relu', as every released CLAP has it",
            mend="Use another checkpoint.",
        )
    front_end = _front_end(folder, config.audio_config)
    audio, text = (
        Htsat(config.audio_config),
        PretrainedText(ClapTextModel(config.text_config), "pooler"),
    )
    source = tokenizer_source(tokenizer, folder, "roberta-base")
    places = config.text_config.max_position_embeddings - config.text_config.pad_token_id - 1
    words = load_tokenizer(source, max_tokens=min(MAX_TOKENS, places))
    check_vocabulary(words, config.text_config.vocab_size, source)
    model = TwoTower(
        features=front_end.features,
        audio_encoder=audio,
        audio_projection=MlpProjection(audio.dim, config.projection_dim),
        tokenizer=words,
        text_encoder=text,
        text_projection=MlpProjection(text.dim, config.projection_dim),
        sample_rate=front_end.features.config.sample_rate,
        window_s=front_end.window_s,
        fill=front_end.fill,
        long_clips=LongClips("fusion") if audio.fused else None,
    )
    placement = _rename(read_weights(folder))
    missing = placement.place_into(model, folder)
    report = LoadReport(
        source=str(folder),
        kind=f"transformers CLAP, HTSAT with RoBERTa, {'fused' if audio.fused else 'unfused'}",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
        notes=front_end.notes,
    )
    return model.eval(), report


def _rename(state: Mapping[str, Tensor]) -> Placement:
    """Every key of the directory under its name in TwoTower."""
    placement = Placement()
    for name, tensor in state.items():
        ours = next((ours for ours, theirs in PREFIXES.items() if name.startswith(theirs)), None)
        new: dict[str, Tensor] = {}
        if ours is not None:
            new = {ours + name.removeprefix(PREFIXES[ours]): tensor}
        elif name == "logit_scale_a":
            new = {"logit_scale": tensor.reshape(())}
        placement.put(name, new)
    return placement


@dataclass(frozen=True)
class _FrontEnd:
    """What a directory says of its front end."""

    features: LogMel
    window_s: float
    fill: Fill
    notes: tuple[str, ...]


def _front_end(folder: Path, audio: Any) -> _FrontEnd:
    """The front end as the directory's preprocessor file describes it."""
    path, facts = front_end_facts(folder)
    notes = []
    base = LogMelConfig.laion_fused() if audio.enable_fusion else LogMelConfig.laion()
    if not facts:
        notes.append(f"no {FRONT_END}: LAION's published front end is used (50-14000 Hz)")
    elif (facts.get("truncation", "fusion") == "fusion") != audio.enable_fusion:
        notes.append(
            f"{path.name} says truncation={facts.get('truncation')!r}, the model "
            f"{'is' if audio.enable_fusion else 'is not'} fused: the model decides"
        )
    padding = facts.get("padding", "repeatpad")
    if padding not in FILLS_BY_PADDING:
        raise unknown_name("padding", f"{padding}", FILLS_BY_PADDING, mend=f"Correct {path}.")
    try:
        config = replace(
            base,
            sample_rate=int(facts.get("sampling_rate", base.sample_rate)),
            n_fft=int(facts.get("fft_window_size", base.n_fft)),
            hop_length=int(facts.get("hop_length", base.hop_length)),
            n_mels=int(facts.get("feature_size", audio.num_mel_bins)),
            f_min=float(facts.get("frequency_min", 0.0 if facts else base.f_min)),
            f_max=float(facts.get("frequency_max", base.f_max)),
            quantise=False,  # transformers' extractor leaves out the original's 16-bit rounding
        )
        window_s = float(facts.get("max_length_s", 10.0))
    except (TypeError, ValueError) as fault:
        raise EarShotError(
            got=f"{path}: {fault}", expected="numbers", mend="Copy the file again."
        ) from fault
    return _FrontEnd(LogMel(config), window_s, FILLS_BY_PADDING[padding], tuple(notes))
