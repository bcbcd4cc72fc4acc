"""How a decoder's texts are looked for: greedily, by beams, or drawn from the nucleus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from transformers import GenerationConfig, LogitsProcessorList

    from earshot.text.caption_tokenizer import CaptionTokenizer


@dataclass(frozen=True)
class Candidate:
    """A text that a decoder wrote, and how sure it is of it."""

    text: str
    score: float  # mean log-probability of its tokens, the end included, in nats; at most 0


@dataclass(frozen=True)
class DecodingConfig:
    """How texts are looked for, and how long they may be."""

    kind: Literal["greedy", "beam", "nucleus"] = "greedy"
    n_beams: int = 4  # of a beam search
    n_best: int = 1  # texts that a beam search gives
    n_samples: int = 1  # texts that are drawn
    top_p: float = 0.95  # of probability that is drawn from
    temperature: float = 1.0  # of what is drawn; below 1 is surer
    max_tokens: int = 40
    min_tokens: int = 1
    no_repeat_ngram: int = 0  # no run of so many tokens comes twice; 0 lets it
    seed: int = 0  # of what is drawn

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (not 1 <= self.n_best <= self.n_beams,
             f"n_beams={self.n_beams} with n_best={self.n_best}", "n_best from 1 to n_beams"),
            (self.n_samples < 1, f"n_samples={self.n_samples}", "at least 1"),
            (not 0 < self.top_p <= 1, f"top_p={self.top_p:g}", "above 0, at most 1"),
            (self.temperature <= 0, f"temperature={self.temperature:g}", "above 0"),
            (not 1 <= self.min_tokens <= self.max_tokens,
             f"min_tokens={self.min_tokens} with max_tokens={self.max_tokens}",
             "min_tokens from 1 to max_tokens"),
            (self.no_repeat_ngram < 0, f"no_repeat_ngram={self.no_repeat_ngram}", "0 or more"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def by_beams(cls, n_beams: int, **changes: Any) -> DecodingConfig:
        """A beam search of that width; greedy for 1."""
        kind: Literal["greedy", "beam"] = "greedy" if n_beams == 1 else "beam"
        return cls(kind=kind, n_beams=n_beams, **changes)

    @property
    def copies(self) -> int:
        """How often each row is decoded on its own."""
        return self.n_samples if self.kind == "nucleus" else 1

    @property
    def rows(self) -> int:
        """How many texts come of each row."""
        return self.n_best if self.kind == "beam" else self.copies


def generation_config(
    decoding: DecodingConfig, tokenizer: CaptionTokenizer, n_ids: int
) -> GenerationConfig:
    """The same in transformers' words; what is drawn is drawn by `draws`, so nothing samples.

    Of the `n_ids` that a model has, those are never written that the tokenizer does not know, nor
    its padding and beginning.
    """
    from transformers import GenerationConfig

    unsaid = {*range(tokenizer.vocab_size, n_ids), tokenizer.pad_id, tokenizer.bos_id}
    unsaid.discard(tokenizer.eos_id)

    n_beams = decoding.n_beams if decoding.kind == "beam" else 1
    return GenerationConfig(
        do_sample=False,
        num_beams=n_beams,
        num_return_sequences=decoding.n_best if decoding.kind == "beam" else 1,
        max_new_tokens=decoding.max_tokens,
        min_new_tokens=decoding.min_tokens,
        no_repeat_ngram_size=decoding.no_repeat_ngram or None,
        suppress_tokens=sorted(unsaid) or None,
        eos_token_id=tokenizer.eos_id,
        pad_token_id=tokenizer.pad_id,
        bos_token_id=tokenizer.bos_id,
    )


def draws(decoding: DecodingConfig) -> LogitsProcessorList:
    """What makes a greedy search draw from the nucleus; nothing for the other kinds.

    Rows must come as `decoding.copies` of each clip next to each other. The noise of a draw hangs
    on seed, number of the draw and position alone: a clip's texts are the same whatever clips are
    decoded with it.
    """
    from transformers import (
        LogitsProcessorList,
        TemperatureLogitsWarper,
        TopPLogitsWarper,
    )

    if decoding.kind != "nucleus":
        return LogitsProcessorList()
    return LogitsProcessorList(
        [
            TemperatureLogitsWarper(decoding.temperature),
            TopPLogitsWarper(decoding.top_p),
            _GumbelNoise(decoding.seed, decoding.n_samples),
        ]
    )


class _GumbelNoise:
    """Noise under which the greatest score is a draw by the scores' softmax."""

    def __init__(self, seed: int, n_samples: int) -> None:
        self.n_samples = n_samples
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        shape = (self.n_samples, scores.shape[1])
        uniform = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))  # [draws, vocabulary]
        each = noise.to(scores.device, scores.dtype)
        return scores + each.repeat(len(scores) // self.n_samples, 1)


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """The surest first; of equal ones the text that comes first in the alphabet."""
    return sorted(candidates, key=lambda each: (-each.score, each.text))
