"""Sentence encoders from folders in the format of sentence-transformers, to compare meanings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder
from earshot.text.clean import clean

PUBLISHED = "paraphrase-TinyBERT-L6-v2"  # behind the published figures of FENSE
_PUBLISHED_SIZE = (768, 6)  # hidden_size, num_hidden_layers
_MEND = (
    "Download such a model (config.json, tokenizer, weights, modules.json, 1_Pooling) and name its "
    "folder."
)


class SentenceEncoder:
    """Sentences to unit vectors: mean or first token of a BERT-like model's last layer."""

    def __init__(
        self, model: nn.Module, tokenizer: Any, *, name: str, pooling: str, max_tokens: int
    ):
        self._model, self._tokenizer = model.eval(), tokenizer
        self.name, self._pooling, self._max_tokens = name, pooling, max_tokens
        size = (model.config.hidden_size, model.config.num_hidden_layers)
        self.published = name == PUBLISHED and size == _PUBLISHED_SIZE

    def __call__(self, sentences: Sequence[str], *, batch_size: int = 64) -> NDArray[np.float64]:
        """[sentences, dim], rows of length 1; no row depends on the others."""
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        rows: list[NDArray[np.float64]] = [np.empty(0)] * len(sentences)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            vectors = self._embed([clean(sentences[i]) for i in chosen])
            for i, vector in zip(chosen, vectors.double().cpu().numpy(), strict=True):
                rows[i] = vector
        return np.stack(rows)

    @torch.inference_mode()
    def _embed(self, sentences: list[str]) -> Tensor:
        device = next(self._model.parameters()).device
        tokens = self._tokenizer(
            sentences,
            padding=True,
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        ).to(device)
        hidden = self._model(**tokens).last_hidden_state  # [batch, positions, dim]
        if self._pooling == "cls":
            pooled = hidden[:, 0]
        else:
            real = tokens["attention_mask"][..., None].to(hidden)
            pooled = (hidden * real).sum(dim=1) / real.sum(dim=1)
        return nn.functional.normalize(pooled, dim=-1)


def load_sentence_encoder(folder: str | Path, device: str = "cpu") -> SentenceEncoder:
    """The encoder in a folder. Raises EarShotError for folders of another make."""
    place = Path(folder)
    if not is_folder(place):
        raise EarShotError(
            got=f"{place}, which is no folder",
            expected="a folder in the format of sentence-transformers",
            mend=_MEND,
        )
    try:
        parts = {
            row["type"].rsplit(".", 1)[-1]: row["path"] for row in _read(place, "modules.json")
        }
        unknown = sorted(parts.keys() - {"Transformer", "Pooling", "Normalize"})
        if unknown or not {"Transformer", "Pooling"} <= parts.keys():
            raise ValueError(f"parts {', '.join(sorted(parts))}")
        where = place / parts["Transformer"]
        pooling = _pooling(_read(place / parts["Pooling"], "config.json"))
        max_tokens = int(_read(where, "sentence_bert_config.json")["max_seq_length"])
        model, tokenizer = _load(where)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise EarShotError(
            got=f"{place}: {str(fault).partition(chr(10))[0] or fault!r}",
            expected="a Transformer with mean or first-token pooling, as sentence-transformers "
            "saves it",
            mend=_MEND,
        ) from fault
    place = place.absolute()
    name = place.parent.name if place.name in ("model", parts["Transformer"]) else place.name
    return SentenceEncoder(
        model.to(device), tokenizer, name=name, pooling=pooling, max_tokens=max_tokens
    )


def _pooling(config: dict[str, Any]) -> str:
    modes = [name for name, used in config.items() if name.startswith("pooling_mode_") and used]
    if "pooling_mode" in config:  # as sentence-transformers writes it since version 6
        modes = [f"pooling_mode_{config['pooling_mode']}_tokens".replace("cls_tokens", "cls_token")]
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    if len(modes) != 1 or modes[0] not in known:
        raise ValueError(f"pooling {', '.join(modes) or 'of no kind'}")
    return known[modes[0]]


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text("utf-8"))


def _load(folder: Path) -> tuple[Any, Any]:
    """Model and tokenizer as data: code in the folder is not asked for."""
    from transformers import AutoModel, AutoTokenizer

    known = {"local_files_only": True, "trust_remote_code": False}
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, **known)
    return model, AutoTokenizer.from_pretrained(folder, **known)
