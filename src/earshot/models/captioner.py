"""What every captioner is to a job: sound in, candidates out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.decoders.choosing import CaptionPlan, Judge, best_first, distinct, rerank_scores
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.reranking import cosines
from earshot.models.two_tower import TwoTower
from earshot.text.caption_tokenizer import CaptionTokenizer

TOKENIZER = "tokenizer"  # the folder beside a run's weights


def clap_closeness(
    clap: TwoTower, waveform: Tensor, n_samples: Tensor, texts: Sequence[Sequence[str]]
) -> list[Tensor]:
    """`Captioner.closeness` by a CLAP that hears the captioner's own windows."""
    heard = clap.to(waveform.device).embed_audio(waveform, n_samples)
    return [cosines(row, clap.embed_text(list(own))) for row, own in zip(heard, texts, strict=True)]


class Captioner(nn.Module, ABC):
    """A model that writes captions of sound.

    `sample_rate` is what it hears in Hz, `window_s` the longest sound that it captions at once,
    `decoder` what writes: a module with `tokenizer`, which is None until one is set.
    """

    sample_rate: int
    window_s: float
    decoder: Any

    @abstractmethod
    def captions(
        self, waveform: Tensor, n_samples: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """Captions of waveform [batch, samples], n_samples [batch] real ones; the surest first.

        Neither padding nor batch-mates change them; of one seed they are the same every time.
        """

    @property
    def judges(self) -> tuple[Judge, ...]:
        """By what it can tell how close texts are to a sound; by nothing unless it says so."""
        return ()

    def closeness(
        self, waveform: Tensor, n_samples: Tensor, texts: Sequence[Sequence[str]], judge: Judge
    ) -> list[Tensor]:
        """Cosines of each sound with its own texts, [texts of that sound] each, by a judge it has.

        "encoder": its own head over what it hears, "clap": a model of sound and words beside it.
        """
        raise EarShotError(
            got=f"{type(self).__name__} asked by judge {judge!r}",
            expected=", ".join(self.judges) or "no judge: it has none",
            mend="Choose captions by likelihood.",
        )

    @torch.no_grad()
    def chosen(
        self,
        waveform: Tensor,
        n_samples: Tensor,
        plan: CaptionPlan,
        accept: Callable[[str], bool] = lambda text: True,
    ) -> list[list[Candidate]]:
        """What all searches of a plan found of each sound, each text once, the best first.

        The best is the first by the plan's scores that `accept` takes, or the first of all.
        """
        found = [self.captions(waveform, n_samples, decoding) for decoding in plan.decodings]
        each = [distinct(rows) for rows in zip(*found, strict=True)]
        close: Sequence[Tensor | None] = [None] * len(each)
        if plan.judge is not None:
            texts = [[candidate.text for candidate in row] for row in each]
            close = self.closeness(waveform, n_samples, texts, plan.judge)
        return [
            best_first(row, rerank_scores(row, plan.rerank, cosines), accept)
            for row, cosines in zip(each, close, strict=True)
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """What captions depend on beside weights, for fingerprints."""
        tokenizer = self.decoder.tokenizer
        words = None if tokenizer is None else tokenizer.facts
        return {"hears": [self.sample_rate, self.window_s], "tokenizer": words}

    def save_beside(self, folder: Path) -> None:
        """Write what is not weights, the tokenizer first of all, for `load_beside`."""
        self.decoder.tokenizer.save(folder / TOKENIZER)

    def load_beside(self, folder: Path) -> None:
        """Read what `save_beside` wrote into a run's folder.

        Raises EarShotError where the tokenizer is missing or writes more ids than the decoder.
        """
        tokenizer = CaptionTokenizer.load(folder / TOKENIZER)
        n_ids = self.decoder.n_ids
        if tokenizer.vocab_size > n_ids:
            raise EarShotError(
                got=f"{folder / TOKENIZER} with {tokenizer.vocab_size} ids",
                expected=f"at most {n_ids}, which the weights have",
                mend="Copy the run's folder again, weights and tokenizer together.",
            )
        self.decoder.tokenizer = tokenizer
