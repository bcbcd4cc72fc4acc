"""The detector of fluency errors behind FENSE and SPIDEr-FL, from its released checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.models.loading.weights import read_torch, tensors_of

MAX_TOKENS = 64
HEAD_SIZE = 64  # of every BERT that it was released with
ERRORS = ("add_tail", "repeat_event", "repeat_adv", "remove_conj", "remove_verb", "error")
_ENCODER, _CLASSIFIER = "encoder.", "clf."
_DERIVED = "embeddings.position_ids"


class FluencyJudge:
    """BERT's pooled first token and a linear layer: is there a fluency error in a sentence?

    Source: arXiv:2110.04684, Sec. 3.2.
    """

    def __init__(self, encoder: nn.Module, classifier: nn.Linear, tokenizer: Any) -> None:
        self._encoder, self._classifier = encoder.eval(), classifier.eval()
        self._tokenizer = tokenizer

    def probabilities(self, sentences: Sequence[str]) -> NDArray[np.float64]:
        """[sentences, 6], of each of ERRORS; each sentence is judged on its own."""
        found = [self._judge(_plain(sentence)) for sentence in sentences]
        return torch.cat(found).double().cpu().numpy() if found else np.empty((0, len(ERRORS)))

    def __call__(self, sentences: Sequence[str]) -> NDArray[np.float64]:
        """[sentences], the probability of an error of any kind."""
        return self.probabilities(sentences)[:, -1]

    @torch.inference_mode()
    def _judge(self, sentence: str) -> Tensor:
        tokens = self._tokenizer(
            [sentence], truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        ).to(self._classifier.weight.device)
        pooled = self._encoder(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output  # [1, dim]
        return torch.sigmoid(self._classifier(pooled))


def load_fluency_judge(
    path: Path, tokenizer: Path | None = None, device: str = "cpu"
) -> FluencyJudge:
    """The detector of a checkpoint, such as echecker_clotho_audiocaps_base.ckpt.

    tokenizer: the folder of the BERT it was tuned from (vocab.txt); that of the model's name
    beside the checkpoint when left out. Raises EarShotError for files of another make.
    """
    held = read_torch(path)
    kind = held.get("model_type") if isinstance(held, Mapping) else None
    if not isinstance(kind, str):
        raise EarShotError(
            got=f"{path}, which does not name its BERT (model_type)",
            expected="a checkpoint with model_type, num_classes and state_dict",
            mend="Pass echecker_clotho_audiocaps_base.ckpt as its authors released it.",
        )
    state = tensors_of(held, path)
    encoder, classifier = _build(state, path)
    folder = tokenizer or path.parent / kind.rsplit("/", 1)[-1]
    return FluencyJudge(encoder.to(device), classifier.to(device), _tokenizer(folder, kind))


def _build(state: Mapping[str, Tensor], path: Path) -> tuple[nn.Module, nn.Linear]:
    """A BERT of the checkpoint's sizes, and the layer on top, with its weights."""
    from transformers import BertConfig, BertModel

    of_encoder = {
        key.removeprefix(_ENCODER): tensor
        for key, tensor in state.items()
        if key.startswith(_ENCODER) and not key.endswith(_DERIVED)
    }
    try:
        n_vocab, dim = of_encoder["embeddings.word_embeddings.weight"].shape
        layers = {key.split(".")[2] for key in of_encoder if key.startswith("encoder.layer.")}
        config = BertConfig(
            vocab_size=n_vocab,
            hidden_size=dim,
            num_hidden_layers=len(layers),
            num_attention_heads=max(1, dim // HEAD_SIZE),
            intermediate_size=len(of_encoder["encoder.layer.0.intermediate.dense.bias"]),
            max_position_embeddings=len(of_encoder["embeddings.position_embeddings.weight"]),
        )
        encoder, classifier = BertModel(config), nn.Linear(dim, len(ERRORS))
        encoder.load_state_dict(of_encoder)
        classifier.load_state_dict(
            {k.removeprefix(_CLASSIFIER): t for k, t in state.items() if k.startswith(_CLASSIFIER)}
        )
    except (KeyError, RuntimeError, ValueError) as fault:
        raise EarShotError(
            got=f"{path}: {str(fault).strip().splitlines()[-1].strip()}",
            expected=f"the weights of a BERT under {_ENCODER}* and of {len(ERRORS)} classes under "
            f"{_CLASSIFIER}*",
            mend="Pass echecker_clotho_audiocaps_base.ckpt as its authors released it.",
        ) from fault
    return encoder, classifier


def _tokenizer(folder: Path, kind: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError) as fault:
        raise EarShotError(
            got=f"no tokenizer of {kind} in {folder}",
            expected="a folder with its vocab.txt and tokenizer_config.json",
            mend="Put them there, beside the checkpoint.",
        ) from fault


def _plain(sentence: str) -> str:
    return re.sub(r"[^\w\s]", "", sentence).lower()
