"""One door for released captioners: what a file is shows in its keys."""

from __future__ import annotations

from pathlib import Path

import torch

from earshot.core.errors import EarShotError
from earshot.models.captioner import Captioner
from earshot.models.load_report import LoadReport
from earshot.models.loading.beats_bart import is_beats_bart, load_beats_bart
from earshot.models.loading.htsat_bart import is_htsat_bart, load_htsat_bart
from earshot.models.loading.weights import read_safetensors, read_torch, tensors_of
from earshot.text.caption_tokenizer import CaptionTokenizer
from earshot.text.pretrained import tokenizer_source

NAMES = ("pytorch_model.bin", "model.safetensors")
SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
TOKENIZER = "facebook/bart-base"  # what both were taught with


def captioner_file(source: Path) -> Path | None:
    """The file of weights that `source` is or, as a folder, holds; None where there is none."""
    if source.is_file():
        return source
    named = [source / name for name in NAMES if (source / name).is_file()]
    if named or not source.is_dir():
        return next(iter(named), None)
    others = sorted(each for each in source.iterdir() if each.suffix in SUFFIXES)
    return others[0] if len(others) == 1 else None


def read_captioner(
    source: Path, tokenizer: str | Path | None = None
) -> tuple[Captioner, LoadReport]:
    """The captioner of a released file, or of the folder that it lies in, ready to write.

    BEATs-Conformer-BART, and HTSAT-BART of WavCaps and AudioSetCaps. `tokenizer` is the folder of
    BART's, or its name on the hub; that in the file's folder, or in "tokenizer" beside it, where
    left out. Raises EarShotError for other files.
    """
    path = captioner_file(source)
    if path is None:
        raise EarShotError(
            got=f"{source} without one file of weights",
            expected=f"a file such as {NAMES[0]}, or the folder that it lies in",
            mend="Pass the file itself.",
        )
    whole = read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    state = tensors_of(whole, path)
    model: Captioner
    with torch.random.fork_rng(devices=[]):
        if is_beats_bart(state):
            model, report = load_beats_bart(state, path)
        elif is_htsat_bart(state):
            model, report = load_htsat_bart(state, path)
        else:
            raise EarShotError(
                got=f"{path} with keys such as {', '.join(sorted(state)[:3])}",
                expected="a captioner: BEATs-Conformer-BART (downsample_conv., cross_embed_"
                "positions. ...) or HTSAT-BART (encoder.audio_enc., enc_to_dec_proj. ...)",
                mend="Pass such a file, or the folder of a run that captions.",
            )
    words = CaptionTokenizer.load(tokenizer_source(tokenizer, path, TOKENIZER))
    if words.vocab_size > model.decoder.n_ids:
        raise EarShotError(
            got=f"a tokenizer of {words.vocab_size} ids beside {path}",
            expected=f"at most {model.decoder.n_ids}, which the weights have",
            mend=f"Copy the tokenizer of {TOKENIZER} beside the file.",
        )
    model.decoder.tokenizer = words
    return model, report
