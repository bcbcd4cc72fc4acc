"""ASE files: the retrievers of WavCaps (HTSAT and BERT) and of AudioSetCaps (RoBERTa)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.htsat import Htsat
from earshot.features.log_mel import LogMelConfig
from earshot.layers.projection import MlpProjection
from earshot.models.load_report import LoadReport
from earshot.models.loading.htsat_keys import htsat_sizes, rename_htsat
from earshot.models.loading.stored_front_end import log_mel_of, name_in_features, stored_front_end
from earshot.models.loading.text_towers import bert_like, check_vocabulary
from earshot.models.loading.weights import Placement
from earshot.models.two_tower import MAX_SCALE, TwoTower
from earshot.text.caption_form import plain_caption
from earshot.text.pretrained import load_tokenizer, tokenizer_source

SAMPLE_RATE = 32_000  # Hz
WINDOW_S = 10.0
MAX_TOKENS = 30
AUDIO, TEXT = "audio_encoder.audio_enc.", "text_encoder.text_encoder."
PROJECTIONS = {"audio_proj.": "audio_projection.", "text_proj.": "text_projection."}
FRONT_END = {  # names within `audio_feats_extractor` -> those of the other checkpoints
    "audio_feats_extractor.mel_trans.": "spectrogram_extractor.",
    "audio_feats_extractor.log_trans.": "logmel_extractor.",
}
TEXT_TOWERS = {  # kind -> its name for people, and its tokenizer on the hub
    "roberta": ("RoBERTa", "roberta-base"),
    "bert": ("BERT", "bert-base-uncased"),
}


def is_ase(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are an ASE retriever's."""
    return any(name.startswith(AUDIO) for name in state)


def load_ase(
    state: Mapping[str, Tensor], path: Path, tokenizer: str | Path | None
) -> tuple[TwoTower, LoadReport]:
    """The model of an ASE state dict; mel matrix and STFT kernels are the file's own.

    `tokenizer` is a folder with BERT's or RoBERTa's tokenizer or a name on the hub. Where left out:
    a folder "tokenizer" beside the file, else the published one of its kind. Texts are read as the
    model was trained on them: in lower case, without punctuation. Source: arXiv:2303.17395, its
    code.
    """
    audio_state = {plain_name(n.removeprefix(AUDIO)): t for n, t in _part(state, AUDIO).items()}
    text_state = {n.removeprefix(TEXT): t for n, t in _part(state, TEXT).items()}
    if "audio_proj.0.weight" not in state or "text_proj.2.weight" not in state or not text_state:
        raise EarShotError(
            got=f"{path} without projections or text tower",
            expected="a whole retriever, such as HTSAT-BERT-PT.pt",
            mend="Pass a file of the retrieval models of WavCaps or AudioSetCaps.",
        )
    if "patch_embed.proj.weight" not in audio_state:
        raise EarShotError(
            got=f"{path}, an ASE whose audio tower is no HTSAT",
            expected="HTSAT with BERT or RoBERTa",
            mend="Pass one of those: their towers of CNN14 and ResNet38 have no loader.",
        )
    audio, text = Htsat(htsat_sizes(audio_state)), bert_like(text_state, "first")
    text_name, hub_name = TEXT_TOWERS[text.model.config.model_type]
    source = tokenizer_source(tokenizer, path, hub_name)
    words = load_tokenizer(source, max_tokens=MAX_TOKENS, form=plain_caption)
    check_vocabulary(words, text.model.config.vocab_size, source)
    dim = len(state["audio_proj.2.weight"])
    stored = stored_front_end(audio_state)
    model = TwoTower(
        features=log_mel_of(LogMelConfig(sample_rate=SAMPLE_RATE), stored),
        audio_encoder=audio,
        audio_projection=MlpProjection(audio.dim, dim),
        tokenizer=words,
        text_encoder=text,
        text_projection=MlpProjection(text.dim, dim),
        sample_rate=SAMPLE_RATE,
        window_s=WINDOW_S,
        fill="zeros",
    )
    placement = _rename(state, path)
    missing = placement.place_into(model, path)
    report = LoadReport(
        source=str(path),
        kind=f"ASE (WavCaps, AudioSetCaps), HTSAT with {text_name}, {dim} dimensions",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
        notes=_notes(state, stored.mel_matrix is not None),
    )
    return model.eval(), report


def _rename(state: Mapping[str, Tensor], path: Path) -> Placement:
    """Every key of the file under its name in TwoTower."""
    placement = Placement()
    for name, tensor in state.items():
        new: dict[str, Tensor] = {}
        projection = next((old for old in PROJECTIONS if name.startswith(old)), None)
        if name.startswith(AUDIO):
            inner = plain_name(name.removeprefix(AUDIO))
            if here := name_in_features(inner):
                placement.used(name, here)
                continue
            renamed = rename_htsat(inner, tensor)
            new = {f"audio_encoder.model.audio_encoder.{n}": t for n, t in renamed.items()}
        elif name.startswith(TEXT):
            new = {f"text_encoder.model.{name.removeprefix(TEXT)}": tensor}
        elif projection is not None:
            inner = name.removeprefix(projection)
            inner = inner.replace("0.", "linear1.").replace("2.", "linear2.")
            new = {PROJECTIONS[projection] + inner: tensor}
        elif name == "temp":
            new = {"logit_scale": _log_scale(tensor, path)}
        placement.put(name, new)
    return placement


def _log_scale(temperature: Tensor, path: Path) -> Tensor:
    """`temp` divides cosines: our scale is its inverse, learnt as a logarithm."""
    if temperature.numel() != 1 or not float(temperature) > 0:
        raise EarShotError(
            got=f"{path} with temp={temperature.tolist()}",
            expected="one number above 0, by which cosines are divided",
            mend="Get the file again; no training ends there.",
        )
    return -torch.log(temperature.float().reshape(()))


def _notes(state: Mapping[str, Tensor], stored: bool) -> tuple[str, ...]:
    """What a user may want to know beside the keys."""
    notes = ["clips shorter than 10 s go on in silence; its training padded them to their batch"]
    if not stored:
        notes.append("the file holds no mel matrix: the published settings are used")
    if (temperature := state.get("temp")) is not None and float(temperature) < 1 / MAX_SCALE:
        notes.append(f"temp={float(temperature):g}: the scale is held at {MAX_SCALE:g}")
    return tuple(notes)


def plain_name(name: str) -> str:
    """A key of the audio tower as the original HTSAT's code would name it."""
    for theirs, usual in FRONT_END.items():
        if name.startswith(theirs):
            return usual + name.removeprefix(theirs)
    return name


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name.startswith(prefix)}
