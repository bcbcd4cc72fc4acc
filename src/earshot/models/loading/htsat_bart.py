"""The released captioners of WavCaps and AudioSetCaps: HTSAT and BART in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.cross_attention import OFFSET, CrossDecoderConfig
from earshot.encoders.htsat import Htsat
from earshot.features.log_mel import LogMelConfig
from earshot.models.htsat_bart import BartReaderConfig, HtsatBart
from earshot.models.load_report import LoadReport
from earshot.models.loading.ase import SAMPLE_RATE, WINDOW_S, plain_name
from earshot.models.loading.htsat_keys import htsat_sizes, rename_htsat
from earshot.models.loading.stored_front_end import log_mel_of, name_in_features, stored_front_end
from earshot.models.loading.weights import Placement, depth_of
from earshot.models.sound_encoder import SoundEncoder

AUDIO, PROJECTION, BART = "encoder.audio_enc.", "enc_to_dec_proj.", "decoder."
READER, WRITER = "decoder.model.encoder.", "decoder.model.decoder."
SHARED, HEAD, BIAS = "decoder.model.shared.weight", "decoder.lm_head.weight", "final_logits_bias"
HEAD_DIM = 64  # of BART's attention: 12 heads of 768
WORDS = "embed_tokens.weight"


def is_htsat_bart(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of such a captioner."""
    return any(name.startswith(AUDIO) for name in state) and f"{PROJECTION}weight" in state


def load_htsat_bart(
    state: Mapping[str, Tensor], path: Path, n_heads: int | None = None
) -> tuple[HtsatBart, LoadReport]:
    """The captioner of a state dict in eval mode, without a tokenizer.

    Sizes are those of the tensors; `n_heads` of BART's attention do not show there: a head for 64
    numbers where left out, as BART has them. Raises EarShotError for another audio encoder than
    HTSAT or another writer than BART, and for what is incomplete. Source: arXiv:2303.17395, code.
    """
    audio = {name: _inner(name) for name in state if name.startswith(AUDIO)}
    audio_state = {inner: state[name] for name, inner in audio.items()}
    if "patch_embed.proj.weight" not in audio_state or SHARED not in state:
        raise EarShotError(
            got=f"{path}, a captioner whose parts are not HTSAT and BART",
            expected="encoder.audio_enc.patch_embed. ... and decoder.model.shared.weight",
            mend="Pass the captioner of HTSAT and BART; CNN14 and BERT have no loader.",
        )
    stored = stored_front_end(audio_state)
    encoder = SoundEncoder(
        features=log_mel_of(LogMelConfig(sample_rate=SAMPLE_RATE), stored),
        audio_encoder=Htsat(htsat_sizes(audio_state)),
        sample_rate=SAMPLE_RATE,
        window_s=WINDOW_S,
        fill="zeros",
    )
    model = HtsatBart(encoder, *_sizes(state, path, n_heads))
    placement = Placement()
    for name, tensor in state.items():
        if here := name_in_features(audio.get(name, "")):
            placement.used(name, here)
        else:
            placement.put(name, _placed(name, tensor))
    missing = placement.place_into(model, path)
    report = LoadReport(
        source=str(path),
        kind="captioner of HTSAT and BART (WavCaps, AudioSetCaps)",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
        notes=("clips shorter than 10 s go on in silence",),
    )
    return model.eval(), report


def _inner(name: str) -> str:
    """A key of the audio encoder as the original HTSAT's code would name it."""
    return plain_name(name.removeprefix(AUDIO))


def _placed(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """A tensor of the file under its name here; nothing for what this model has not."""
    if name.startswith(AUDIO):
        renamed = rename_htsat(_inner(name), tensor)
        return {f"encoder.audio_encoder.model.audio_encoder.{n}": t for n, t in renamed.items()}
    if name.startswith(PROJECTION):
        return {name: tensor}
    if name.startswith(READER) and not name.endswith(WORDS):
        return {f"text_encoder.{name.removeprefix(READER)}": tensor}
    ours = "decoder.language_model."
    if name.startswith(WRITER):
        return {f"{ours}model.decoder.{name.removeprefix(WRITER)}": tensor}
    if name == SHARED:
        return {f"{ours}model.decoder.{WORDS}": tensor, f"{ours}lm_head.weight": tensor}
    if name == f"{BART}{BIAS}":
        return {f"{ours}lm_head.bias": tensor.flatten()}
    return {HEAD: {f"{ours}lm_head.weight": tensor}}.get(name, {})


def _sizes(
    state: Mapping[str, Tensor], path: Path, n_heads: int | None
) -> tuple[BartReaderConfig, CrossDecoderConfig]:
    """Sizes of both halves of BART, by the tensors' shapes."""
    try:
        vocab_size, dim = state[SHARED].shape
        places = len(state[f"{READER}embed_positions.weight"]) - OFFSET
        heads = n_heads or max(1, dim // HEAD_DIM)
        reader = BartReaderConfig(
            dim=dim,
            depth=depth_of(state, f"{READER}layers."),
            n_heads=heads,
            mlp_dim=len(state[f"{READER}layers.0.fc1.weight"]),
            most_positions=places,
            n_tokens=places,
        )
        writer = CrossDecoderConfig(
            vocab_size=vocab_size,
            dim=dim,
            depth=depth_of(state, f"{WRITER}layers."),
            n_heads=heads,
            mlp_dim=len(state[f"{WRITER}layers.0.fc1.weight"]),
            most_tokens=len(state[f"{WRITER}embed_positions.weight"]) - OFFSET,
            most_positions=0,
            with_bos=True,
        )
    except (KeyError, ValueError) as fault:
        raise EarShotError(
            got=f"{path}, whose tensors are not those of BART ({fault})",
            expected="every weight of BartForConditionalGeneration",
            mend="The file is incomplete: download it again from its authors.",
        ) from fault
    return reader, writer
