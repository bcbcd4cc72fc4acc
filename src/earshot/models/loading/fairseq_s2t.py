"""fairseq's speech-to-text checkpoints: their names of parts as transformers' Speech2Text has them.

Source: the layout of formiel/fairseq, examples/speech_text_siamese (arXiv:2301.11716), and of
fairseq's own s2t_transformer.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.models.load_report import LoadReport
from earshot.models.loading.weights import read_torch, tensors_of
from earshot.models.speech_to_text import SpeechToText

SIAMESE, PLAIN = "encoder.spch_encoder.", "encoder."  # before the parts of the speech encoder
TEXT = "encoder.text_encoder_aux."
INSIDE = {"subsample.conv_layers.": "conv.conv_layers.", "transformer_layers.": "layers."}
CTC = ("encoder.ctc_proj.", "encoder.spch_encoder.ctc_proj.", "ctc_proj.")
PROJECTION = "decoder.output_projection."
DROPPED = ("version", "_float_tensor", "embed_positions.weights")  # what sinusoids leave behind


def rename_fairseq(names: Iterable[str]) -> dict[str, str]:
    """Each weight of a fairseq checkpoint with its name in a SpeechToText.

    The auxiliary text encoder keeps its names; bookkeeping is left out.
    """
    weights = [name for name in names if not name.endswith(DROPPED)]
    speech = SIAMESE if any(name.startswith(SIAMESE) for name in weights) else PLAIN
    return {name: _renamed(name, speech) for name in weights}


def _renamed(name: str, speech: str) -> str:
    for prefix in CTC:
        if name.startswith(prefix):
            return f"ctc_head.{name.removeprefix(prefix)}"
    if name.startswith(PROJECTION):
        return f"model.lm_head.{name.removeprefix(PROJECTION)}"
    if name.startswith("decoder."):
        return f"model.model.{name}"
    if name.startswith(TEXT) or not name.startswith(speech):
        return name
    rest = name.removeprefix(speech)
    for theirs, ours in INSIDE.items():
        if rest.startswith(theirs):
            rest = ours + rest.removeprefix(theirs)
    return f"model.model.encoder.{rest}"


def load_fairseq(model: SpeechToText, path: Path) -> LoadReport:
    """Fill `model` from a fairseq `.pt`; the report says what was renamed, missing, unexpected.

    A pre-training checkpoint may lack the decoder or bring an auxiliary text encoder: what the file
    lacks keeps its weights and is listed as missing, what the model has no place for as unexpected.
    Raises EarShotError where nothing fits, and for weights of another shape.
    """
    tensors = tensors_of(read_torch(path), path)
    renamed, own = rename_fairseq(tensors), model.state_dict()
    fitting = {new: tensors[old] for old, new in renamed.items() if new in own}
    wrong = [
        f"{name} {list(value.shape)} for {list(own[name].shape)}"
        for name, value in fitting.items()
        if value.shape != own[name].shape
    ]
    if wrong or not fitting:
        keys = f"keys such as {', '.join(sorted(tensors)[:3])}"
        raise EarShotError(
            got=f"{path} with {'weights of another shape: ' + wrong[0] if wrong else keys}",
            expected="a fairseq speech-to-text model of the config's sizes",
            mend="Pass a .pt of speech_to_text or speech_text_siamese and a config of its sizes.",
        )
    tied = "model.model.decoder.embed_tokens.weight"
    if tied in fitting:
        fitting.setdefault("model.lm_head.weight", fitting[tied])
    model.load_state_dict(fitting, strict=False)
    return LoadReport(
        source=str(path),
        kind="fairseq speech to text",
        renamed={old: new for old, new in renamed.items() if new in own},
        missing=tuple(name for name in own if name not in fitting),
        unexpected=tuple(old for old, new in renamed.items() if new not in own),
    )
