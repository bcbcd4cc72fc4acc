"""Sentences to unit vectors by a trained encoder that stands by: of a run, or in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.encoders.pretrained_text import PretrainedText, Reading
from earshot.models.starting_weights import checkpoint_folder
from earshot.models.towers import TwoTowerConfig, build_two_tower
from earshot.text.pretrained import load_tokenizer

AT_ONCE = 64  # sentences
POOLING, LIBRARY = Path("1_Pooling") / "config.json", "config.json"


class CaptionSentences:
    """Unit rows of sentences, each computed once; nothing of it is trained.

    `embed(texts)` gives [n, dim]; `prompt` stands before every text, as encoders that follow
    instructions want it. A row depends on the sentences it was first asked for with, by about
    1e-7: ask for all of a corpus at once where a run is to end the same after a kill.
    """

    def __init__(
        self, source: str, embed: Callable[[list[str]], Tensor], *, prompt: str = ""
    ) -> None:
        self.source, self.prompt, self._embed = source, prompt, embed
        self._rows: dict[str, Tensor] = {}
        self.dim = self.embed(["a sound"]).shape[1]

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> Tensor:
        """Unit rows [n, dim], float32 on the CPU."""
        new = sorted({t for t in texts if t not in self._rows}, key=lambda t: (len(t), t))
        for begin in range(0, len(new), AT_ONCE):
            part = new[begin : begin + AT_ONCE]
            rows = F.normalize(self._embed([self.prompt + text for text in part]).float())
            self._rows.update(zip(part, rows, strict=True))
        return torch.stack([self._rows[text] for text in texts])


def load_caption_sentences(source: str, prompt: str = "") -> CaptionSentences:
    """The encoder under `source`: earshot-small, a two-tower run, or a folder of `transformers`.

    A folder of a sentence encoder is read as its pooling says (mean or first token), as a mean
    where it says nothing; layers after pooling are not applied. Nothing is ever downloaded: raises
    EarShotError where there is no such folder.
    """
    return CaptionSentences(source, _embed_of(source), prompt=prompt)


@lru_cache(maxsize=2)
def _embed_of(source: str) -> Callable[[list[str]], Tensor]:
    folder = checkpoint_folder(source)
    with torch.random.fork_rng(devices=[]):
        if folder is not None:
            return _tower(folder, source)
        if (Path(source) / LIBRARY).is_file():
            return _library(Path(source))
    raise EarShotError(
        got=f"{source!r} as a sentence encoder",
        expected="earshot-small, the folder of a run with words, or a folder of transformers with "
        "a text encoder and its tokenizer",
        mend="Copy the encoder's files into a folder and name that.",
    )


def _tower(folder: Path, source: str) -> Callable[[list[str]], Tensor]:
    """The text side of a model that was trained here."""
    checkpoint = read_checkpoint(folder)
    try:
        config = from_dict(TwoTowerConfig, checkpoint.config["model"], "model")
        model = build_two_tower(config)
        model.load_state_dict(checkpoint.weights())
    except (EarShotError, KeyError, RuntimeError, TypeError) as fault:
        raise EarShotError(
            got=f"{source}, a run of {checkpoint.recipe} "
            f"({str(fault).partition(chr(10))[0][:150]})",
            expected="a run of a paper that aligns sound and words",
            mend="Pass earshot-small, or a run such as of `earshot run clap`.",
        ) from fault
    return model.eval().embed_text


def _library(folder: Path) -> Callable[[list[str]], Tensor]:
    """A folder that `transformers` or sentence-transformers saved."""
    from transformers import AutoConfig, AutoModel, T5EncoderModel

    try:
        facts = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        kind: Any = T5EncoderModel if facts.model_type == "t5" else AutoModel
        model = kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as fault:  # the library tells of damaged folders with exceptions of all kinds
        raise EarShotError(
            got=f"{folder} ({str(fault).partition(chr(10))[0][:150]})",
            expected="a text encoder as transformers saves it",
            mend="Copy its folder again, config, weights and tokenizer together.",
        ) from fault
    longest = getattr(facts, "max_position_embeddings", None) or 512
    tokenizer = load_tokenizer(folder, max_tokens=min(int(longest) - 2, 256))
    encoder = PretrainedText(model, _reading(folder)).eval()

    def embed(texts: list[str]) -> Tensor:
        return encoder(*tokenizer(texts))

    return embed


def _reading(folder: Path) -> Reading:
    """How the folder's own pooling reads a sentence."""
    path = folder / POOLING
    if not path.is_file():
        return "mean"
    pooling = json.loads(path.read_text("utf-8"))
    return "first" if pooling.get("pooling_mode_cls_token") else "mean"
