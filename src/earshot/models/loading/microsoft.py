"""Microsoft's CLAP files: 2022 (CNN14 and BERT) and 2023 (HTSAT and GPT-2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.htsat import Htsat
from earshot.encoders.panns import PannsCnn
from earshot.features.log_mel import LogMelConfig
from earshot.layers.projection import ResidualProjection
from earshot.models.load_report import LoadReport
from earshot.models.loading.cnn_sizes import cnn_sizes
from earshot.models.loading.htsat_keys import htsat_sizes, rename_htsat
from earshot.models.loading.stored_front_end import log_mel_of, name_in_features, stored_front_end
from earshot.models.loading.text_towers import bert_like, check_vocabulary, gpt2_like, is_gpt2
from earshot.models.loading.weights import Placement
from earshot.models.two_tower import TwoTower
from earshot.text.pretrained import load_tokenizer, tokenizer_source

AUDIO, HTSAT, TEXT = "audio_encoder.base.", "audio_encoder.base.htsat.", "caption_encoder.base."
PROJECTIONS = {
    "audio_encoder.projection.": "audio_projection.",
    "caption_encoder.projection.": "text_projection.",
}
CAPTIONER = "clap."  # ClapCap keeps the audio tower under this name, beside its decoder


def is_microsoft(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are Microsoft's."""
    return any(name.removeprefix(CAPTIONER).startswith(AUDIO) for name in state)


def load_microsoft(
    state: Mapping[str, Tensor], path: Path, tokenizer: str | Path | None
) -> tuple[TwoTower, LoadReport]:
    """The model of a Microsoft state dict; mel matrix and STFT kernels are the file's own.

    `tokenizer` is a folder with BERT's (2022) or GPT-2's (2023) tokenizer or a name on the hub.
    Where left out: a folder "tokenizer" beside the file, else "bert-base-uncased" or "gpt2".
    """
    state = {name.removeprefix(CAPTIONER): tensor for name, tensor in state.items()}
    is_htsat = any(name.startswith(HTSAT) for name in state)
    audio_state = _part(state, HTSAT if is_htsat else AUDIO)
    text_state = _part(state, TEXT)
    if not text_state or "audio_encoder.projection.linear1.weight" not in state:
        raise EarShotError(
            got=f"{path} without a text tower or projections",
            expected="CLAP_weights_2022.pth or CLAP_weights_2023.pth",
            mend="Pass one of those files of microsoft/msclap.",
        )
    audio: Htsat | PannsCnn
    audio = Htsat(htsat_sizes(audio_state)) if is_htsat else PannsCnn(cnn_sizes(audio_state))
    gpt2 = is_gpt2(text_state)
    text = gpt2_like(text_state) if gpt2 else bert_like(text_state, "first")
    source = tokenizer_source(tokenizer, path, "gpt2" if gpt2 else "bert-base-uncased")
    if gpt2:
        words = load_tokenizer(source, max_tokens=77, suffix=" <|endoftext|>", pad_id=0)
    else:
        words = load_tokenizer(source, max_tokens=100)
    check_vocabulary(words, text.model.config.vocab_size, source)
    dim = len(state["audio_encoder.projection.linear1.weight"])
    presets = LogMelConfig.msclap_2023() if is_htsat else LogMelConfig.msclap_2022()
    model = TwoTower(
        features=log_mel_of(presets, stored_front_end(audio_state)),
        audio_encoder=audio,
        audio_projection=ResidualProjection(audio.dim, dim),
        tokenizer=words,
        text_encoder=text,
        text_projection=ResidualProjection(text.dim, dim),
        sample_rate=44_100,
        window_s=7.0 if is_htsat else 5.0,
        fill="tile",
    )
    placement = _rename(state, is_htsat)
    missing = placement.place_into(model, path)
    stored = stored_front_end(audio_state).mel_matrix is not None
    report = LoadReport(
        source=str(path),
        kind=f"Microsoft CLAP, {'HTSAT' if is_htsat else 'CNN14'} with "
        f"{'GPT-2' if gpt2 else 'BERT'}",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
        notes=() if stored else ("the file holds no mel matrix: the published settings are used",),
    )
    return model.eval(), report


def _rename(state: Mapping[str, Tensor], is_htsat: bool) -> Placement:
    """Every key of the file under its name in TwoTower."""
    placement = Placement()
    for name, tensor in state.items():
        new: dict[str, Tensor] = {}
        if name_in_features(name):
            placement.used(name, name_in_features(name))
            continue
        projection = next((old for old in PROJECTIONS if name.startswith(old)), None)
        if projection is not None:
            new = {PROJECTIONS[projection] + name.removeprefix(projection): tensor}
        elif is_htsat and name.startswith(HTSAT):
            renamed = rename_htsat(name.removeprefix(HTSAT), tensor)
            new = {f"audio_encoder.model.audio_encoder.{n}": t for n, t in renamed.items()}
        elif name.startswith(AUDIO):
            new = {f"audio_encoder.{name.removeprefix(AUDIO)}": tensor}
        elif name.startswith(TEXT):
            new = {f"text_encoder.model.{name.removeprefix(TEXT)}": tensor}
        elif name == "logit_scale":
            new = {"logit_scale": tensor.reshape(())}
        placement.put(name, new)
    return placement


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
