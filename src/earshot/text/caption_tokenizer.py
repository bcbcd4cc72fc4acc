"""Captions to ids and back, for models that write: a tokenizer of our own, or any published one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.text.clean import clean
from earshot.text.pretrained import load_library_tokenizer

PAD, BOS, EOS = "<pad>", "<s>", "</s>"  # ids 0, 1, 2 of the tokenizers that are trained here
N_BYTES = 256


class CaptionTokenizer:
    """A tokenizer of `transformers` as writers need it: ids without padding, and text again.

    `eos_id` ends a caption; where the tokenizer names no end its separator does (BERT). `bos_id`
    and `pad_id` are the tokenizer's own, or `eos_id` (GPT-2 has neither).
    """

    def __init__(self, library: Any) -> None:
        ends = (library.eos_token_id, library.sep_token_id)
        eos_id = next((each for each in ends if each is not None), None)
        if eos_id is None:
            raise EarShotError(
                got="a tokenizer without an end or a separator",
                expected="one whose captions can end",
                mend="Set its eos_token and save it again.",
            )
        self.library = library
        self.eos_id: int = eos_id
        starts = (library.bos_token_id, library.cls_token_id, eos_id)
        self.bos_id: int = next(each for each in starts if each is not None)
        pad_id = library.pad_token_id
        self.pad_id: int = eos_id if pad_id is None else pad_id
        self.vocab_size: int = len(library)

    @classmethod
    def load(cls, source: str | Path) -> CaptionTokenizer:
        """The tokenizer in a folder, or of that name on the hub when the network may be used."""
        return cls(load_library_tokenizer(source))

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files into `folder`, for `load`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.library.save_pretrained(folder)

    @property
    def facts(self) -> dict[str, str | int]:
        """What the ids depend on, for fingerprints."""
        words = json.dumps(self.library.get_vocab(), sort_keys=True)
        digest = hashlib.sha256(words.encode()).hexdigest()
        return {"kind": "captions", "vocab": digest, "eos": self.eos_id}

    def encode(self, captions: Sequence[str], *, max_tokens: int) -> list[list[int]]:
        """Ids of captions, `eos_id` last; what exceeds `max_tokens` is cut, the end with it."""
        rows = self._ids(captions, special=False)
        return [[*row, self.eos_id][:max_tokens] for row in rows]

    def encode_prompts(self, prompts: Sequence[str], *, max_tokens: int) -> list[list[int]]:
        """Ids of prompts as the tokenizer begins texts (LLaMA: BOS first), without an end."""
        rows = self._ids(prompts, special=True)
        cut = [row[:-1] if row and row[-1] == self.eos_id else row for row in rows]
        return [row[:max_tokens] for row in cut]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids up to the first `eos_id`; special ids leave no trace."""
        kept: list[int] = []
        for each in ids:
            if each == self.eos_id:
                break
            kept.append(int(each))
        text = self.library.decode(
            kept, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return " ".join(clean(str(text)).split())

    def _ids(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        if not texts:
            return []
        rows = self.library(
            [clean(text) for text in texts],
            add_special_tokens=special,
            padding=False,
            truncation=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        return [list(map(int, row)) for row in rows]


def train_caption_tokenizer(captions: Iterable[str], vocab_size: int = 4_096) -> CaptionTokenizer:
    """A byte-level BPE of at most `vocab_size` ids, taught by `captions`; the same for the same.

    It writes any text. Raises EarShotError without a caption, and for sizes that do not hold the
    256 bytes and the three special ids.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    texts = sorted(clean(caption) for caption in captions if caption.strip())
    least = N_BYTES + 3
    if not texts or vocab_size < least:
        raise EarShotError(
            got=f"{len(texts)} captions for a vocabulary of {vocab_size}",
            expected=f"at least one caption and {least} ids",
            mend="Pass captions, or set a larger vocabulary.",
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return CaptionTokenizer(
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS
        )
    )
