"""fairseq's speech-to-text checkpoints: their names of parts as transformers' Speech2Text has them.

Source: the layout of formiel/fairseq, examples/speech_text_siamese (arXiv:2301.11716), and of
fairseq's own s2t_transformer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.models.load_report import LoadReport
from earshot.models.loading.weights import read_weights
from earshot.models.speech_to_text import SpeechToText

CONV = ("subsample.conv_layers.", "conv.conv_layers.")
LAYERS = ("transformer_layers.", "layers.")
SPEECH = ("encoder.spch_encoder.", "encoder.")  # siamese or joint, and plain s2t_transformer
TEXT = "encoder.text_encoder_aux."
CTC = ("encoder.ctc_proj.", "encoder.spch_encoder.ctc_proj.", "ctc_proj.")
DROPPED = ("version", "_float_tensor", "embed_positions.weights")  # what sinusoids leave behind


def rename_fairseq(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Parts of a fairseq checkpoint under the names of `SpeechToText`'s state dict.

    The speech encoder goes to model.model.encoder, the decoder to model.model.decoder, the output
    projection to model.lm_head, a CTC projection to ctc_head. Keys of the auxiliary text encoder
    keep their names; bookkeeping buffers are dropped.
    """
    return {new: state[old] for old, new in _new_names(state).items()}


def _new_names(keys: Iterable[str]) -> dict[str, str]:
    """What each key is called here; those that are dropped are left out."""
    keys = list(keys)
    speech = SPEECH[0] if any(key.startswith(SPEECH[0]) for key in keys) else SPEECH[1]
    return {key: _renamed(key, speech) for key in keys if not key.endswith(DROPPED)}


def _renamed(key: str, speech: str) -> str:
    for prefix in CTC:
        if key.startswith(prefix):
            return f"ctc_head.{key.removeprefix(prefix)}"
    if key.startswith(TEXT):
        return key
    if key.startswith("decoder.output_projection."):
        return f"model.lm_head.{key.removeprefix('decoder.output_projection.')}"
    if key.startswith("decoder."):
        return f"model.model.{key}"
    if key.startswith(speech):
        rest = key.removeprefix(speech)
        for theirs, ours in (CONV, LAYERS):
            if rest.startswith(theirs):
                rest = ours + rest.removeprefix(theirs)
        return f"model.model.encoder.{rest}"
    return key


def load_fairseq(model: SpeechToText, source: Path | Mapping[str, Tensor]) -> LoadReport:
    """Fill `model` from a fairseq `.pt` (or its "model" dict), and say what was renamed.

    Parts that the source lacks keep their weights and are listed as missing; what the model has no
    place for, such as the auxiliary text encoder, is listed as unexpected. Raises EarShotError
    where nothing fits or a size differs.
    """
    state = read_weights(source) if isinstance(source, Path) else source
    names = _new_names(state)
    given = {new: state[old] for old, new in names.items()}
    own = model.state_dict()
    fitting = {name: value for name, value in given.items() if name in own}
    if not fitting:
        raise EarShotError(
            got=f"a checkpoint with keys such as {', '.join(sorted(state)[:3])}",
            expected="a fairseq speech-to-text model",
            mend="Pass a .pt of fairseq's speech_to_text or speech_text_siamese.",
        )
    for name, value in fitting.items():
        if value.shape != own[name].shape:
            raise EarShotError(
                got=f"{name} of shape {list(value.shape)}",
                expected=f"shape {list(own[name].shape)}",
                mend="Give SpeechToTextConfig the sizes of the checkpoint.",
            )
    with torch.no_grad():
        for name, value in fitting.items():
            own[name].copy_(value)
    if "model.lm_head.weight" not in fitting:  # tied: the embedding is the projection
        own["model.lm_head.weight"].copy_(own["model.model.decoder.embed_tokens.weight"])
    return LoadReport(
        renamed=names,
        missing=sorted(own.keys() - fitting.keys()),
        unexpected=sorted(given.keys() - own.keys()),
    )
