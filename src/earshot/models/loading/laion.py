"""LAION-CLAP's original .pt files: HTSAT or CNN14 with RoBERTa or BERT, fused or not.

CompA-CLAP's, which are of the same code, have T5's encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.htsat import Htsat
from earshot.encoders.panns import PannsCnn
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.layers.projection import MlpProjection
from earshot.models.load_report import LoadReport
from earshot.models.loading.cnn_sizes import cnn_sizes
from earshot.models.loading.htsat_keys import htsat_sizes, rename_htsat
from earshot.models.loading.stored_front_end import log_mel_of, name_in_features, stored_front_end
from earshot.models.loading.text_towers import bert_like, check_vocabulary, is_t5, t5_like
from earshot.models.loading.weights import Placement
from earshot.models.long_clips import LongClips
from earshot.models.two_tower import TwoTower
from earshot.text.pretrained import load_tokenizer, tokenizer_source

WINDOW_S = 10.0
MAX_TOKENS = 77
AUDIO, TEXT = "audio_branch.", "text_branch."
TEXT_TOWERS = {  # kind -> its name for people, and its tokenizer on the hub
    "roberta": ("RoBERTa", "roberta-base"),
    "bert": ("BERT", "bert-base-uncased"),
    "t5": ("T5", "google/flan-t5-large"),
}


def is_laion(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are LAION-CLAP's."""
    return any(name.startswith(AUDIO) for name in state)


def load_laion(
    state: Mapping[str, Tensor], path: Path, tokenizer: str | Path | None
) -> tuple[TwoTower, LoadReport]:
    """The model of a LAION state dict.

    `tokenizer` is a folder with the text tower's tokenizer or a name on the hub. Where left out: a
    folder "tokenizer" beside the file, else the published one of its kind.
    """
    audio_state, text_state = _part(state, AUDIO), _part(state, TEXT)
    if "audio_projection.0.weight" not in state or not text_state:
        raise EarShotError(
            got=f"{path} without projections or text tower",
            expected="a whole LAION-CLAP checkpoint",
            mend="Pass a file of lukewys/laion_clap, not an audio encoder alone.",
        )
    is_htsat = "patch_embed.proj.weight" in audio_state
    audio: Htsat | PannsCnn
    audio = Htsat(htsat_sizes(audio_state)) if is_htsat else PannsCnn(cnn_sizes(audio_state))
    fused = isinstance(audio, Htsat) and audio.fused
    if is_t5(text_state):
        text = t5_like(text_state, pad_to=MAX_TOKENS)
    else:
        text = bert_like(text_state, "pooler")
    text_name, hub_name = TEXT_TOWERS[text.model.config.model_type]
    source = tokenizer_source(tokenizer, path, hub_name)
    words = load_tokenizer(source, max_tokens=MAX_TOKENS)
    check_vocabulary(words, text.model.config.vocab_size, source)
    dim = len(state["audio_projection.2.weight"])
    model = TwoTower(
        features=_front_end(audio_state, fused),
        audio_encoder=audio,
        audio_projection=MlpProjection(audio.dim, dim),
        tokenizer=words,
        text_encoder=text,
        text_projection=MlpProjection(text.dim, dim),
        sample_rate=48_000,
        window_s=WINDOW_S,
        fill="repeatpad",
        long_clips=LongClips("fusion") if fused else None,
    )
    placement = _rename(state, is_htsat, stored=not fused)
    missing = placement.place_into(model, path)
    report = LoadReport(
        source=str(path),
        kind=f"LAION-CLAP, {'HTSAT' if is_htsat else 'CNN14'} with "
        f"{text_name}, {'fused' if fused else 'unfused'}",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
    )
    return model.eval(), report


def _rename(state: Mapping[str, Tensor], is_htsat: bool, stored: bool) -> Placement:
    """Every key of the file under its name in TwoTower; `stored`: its front end is in use."""
    placement = Placement()
    for name, tensor in state.items():
        new: dict[str, Tensor] = {}
        if stored and name_in_features(name):
            placement.used(name, name_in_features(name))
            continue
        if name.startswith(AUDIO):
            inner = name.removeprefix(AUDIO)
            if is_htsat:
                renamed = rename_htsat(inner, tensor)
                new = {f"audio_encoder.model.audio_encoder.{n}": t for n, t in renamed.items()}
            else:
                new = {f"audio_encoder.{inner}": tensor}
        elif name.startswith(TEXT):
            new = {f"text_encoder.model.{name.removeprefix(TEXT)}": tensor}
            if name == f"{TEXT}shared.weight":  # T5's words; some files hold them once
                new |= {"text_encoder.model.encoder.embed_tokens.weight": tensor}
        elif name.startswith(("audio_projection.", "text_projection.")):
            new = {name.replace(".0.", ".linear1.").replace(".2.", ".linear2."): tensor}
        elif name in ("logit_scale_a", "logit_scale"):
            new = {"logit_scale": tensor.reshape(())}
        placement.put(name, new)
    return placement


def _front_end(audio_state: Mapping[str, Tensor], fused: bool) -> nn.Module:
    """The log-mel: HTK's scale for a fused model, else the matrix that the file holds."""
    if fused:
        n_mels = len(audio_state["bn0.weight"])
        return LogMel(replace(LogMelConfig.laion_fused(), n_mels=n_mels))
    return log_mel_of(LogMelConfig.laion(), stored_front_end(audio_state))


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
