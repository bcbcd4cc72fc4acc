"""A language model that reads vectors before words, and goes on with a caption."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.decoders.decoding import Candidate, DecodingConfig, draws, generation_config
from earshot.decoders.language_model import embedding_dim
from earshot.decoders.targets import (
    NO_TARGET,
    candidates_of,
    mean_log_probability,
    mean_nats,
    until_end,
    words_of,
)
from earshot.text.caption_tokenizer import CaptionTokenizer


@dataclass(frozen=True)
class _Rows:
    """Sequences that end together: padding lies on the left."""

    embeddings: Tensor  # [batch, positions, dim]
    mask: Tensor  # [batch, positions], 1 where there is something to read
    targets: Tensor  # [batch, positions], ids of captions, NO_TARGET elsewhere

    @property
    def positions(self) -> Tensor:
        """Places of each row counted from its first real one."""
        return (self.mask.cumsum(1) - 1).clamp(min=0)


class PrefixDecoder(nn.Module):
    """Sequences [prefix vectors ; prompt tokens ; caption ; end] through a causal language model.

    `language_model` is one of `transformers`, plain or under `peft`; `tokenizer` is handed in, or
    set after loading. Rows are padded on the left and masked, so that neither padding nor
    batch-mates change what is written. Prompts begin as the tokenizer begins texts, so that BOS
    comes after the prefix.
    """

    def __init__(
        self,
        language_model: nn.Module,
        tokenizer: CaptionTokenizer | None = None,
        *,
        most_tokens: int = 64,
        most_prompt_tokens: int = 64,
    ) -> None:
        super().__init__()
        self.language_model, self.tokenizer = language_model, tokenizer
        self.most_tokens, self.most_prompt_tokens = most_tokens, most_prompt_tokens
        self.dim = embedding_dim(language_model)

    def loss(
        self,
        prefix: Tensor,
        n_prefix: Tensor,
        prompts: Sequence[str] | None,
        captions: Sequence[str],
        *,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """Mean nats a token of captions and their ends; prefix and prompt are context alone.

        prefix [batch, positions, dim], of which n_prefix [batch] first ones are real; one prompt
        and one caption a row. Captions over `most_tokens` are cut and then have no end.
        """
        words = self._words.encode(captions, max_tokens=self.most_tokens)
        rows = self._rows(prefix, n_prefix, prompts, words)
        logits, targets = self._logits(rows)
        return mean_nats(logits, targets, label_smoothing)

    def log_probability(
        self,
        prefix: Tensor,
        n_prefix: Tensor,
        prompts: Sequence[str] | None,
        captions: Sequence[str],
    ) -> Tensor:
        """Mean log-probability a token of each caption with its end, [batch], at most 0."""
        words = self._words.encode(captions, max_tokens=self.most_tokens)
        return self._scores(self._rows(prefix, n_prefix, prompts, words))

    @torch.no_grad()
    def generate(
        self,
        prefix: Tensor,
        n_prefix: Tensor,
        prompts: Sequence[str] | None,
        decoding: DecodingConfig,
    ) -> list[list[Candidate]]:
        """Captions of each row, the surest first; arguments as `loss` has them.

        The same for the same seed, whatever rows are decoded together. Evaluation mode is up to
        the caller.
        """
        if not len(prefix):
            return []
        words = self._words
        copies = torch.arange(len(prefix), device=prefix.device).repeat_interleave(decoding.copies)
        none: list[list[int]] = [[] for _ in copies]
        each_prompt = None if prompts is None else [prompts[int(i)] for i in copies]
        rows = self._rows(prefix[copies], n_prefix[copies], each_prompt, none)
        with warnings.catch_warnings():  # that n-grams of the prompt do not count: as meant
            warnings.filterwarnings("ignore", message="Passing `no_repeat_ngram_size`")
            ids = self.language_model.generate(  # type: ignore[operator]
                inputs_embeds=rows.embeddings,
                attention_mask=rows.mask,
                generation_config=generation_config(decoding, words, self.n_ids),
                logits_processor=draws(decoding),
            )
        written = [until_end(row, words.eos_id) for row in ids.tolist()]
        clips = torch.arange(len(prefix), device=prefix.device).repeat_interleave(decoding.rows)
        again = None if prompts is None else [prompts[int(i)] for i in clips]
        scores = self._scores(self._rows(prefix[clips], n_prefix[clips], again, written))
        return candidates_of(written, scores, words, decoding.rows)

    @property
    def n_ids(self) -> int:
        """How many ids the language model reads and writes."""
        return int(self.language_model.get_input_embeddings().weight.shape[0])  # type: ignore[operator]

    @property
    def _words(self) -> CaptionTokenizer:
        return words_of(self.tokenizer)

    def _rows(
        self,
        prefix: Tensor,
        n_prefix: Tensor,
        prompts: Sequence[str] | None,
        words: Sequence[Sequence[int]],
    ) -> _Rows:
        """Prefix, prompt and ids of each row, ending together."""
        check_shape(
            "prefix",
            prefix,
            (len(words), "positions", self.dim),
            mend="Give one prefix a caption, as wide as the language model.",
        )
        lengths = n_prefix.tolist()
        asked: list[list[int]] = [[]] * len(words)
        if prompts is not None:
            asked = self._words.encode_prompts(prompts, max_tokens=self.most_prompt_tokens)
        if len(asked) != len(words) or len(lengths) != len(words):
            raise EarShotError(
                got=f"{len(asked)} prompts and {len(lengths)} lengths for {len(words)} rows",
                expected="one of each a row",
                mend="Give every row its prompt and its number of prefix vectors.",
            )
        if any(not n and not prompt for n, prompt in zip(lengths, asked, strict=True)):
            raise EarShotError(
                got="a row without prefix and prompt",
                expected="something to go on from",
                mend="Give at least one prefix vector, or a prompt.",
            )
        sizes = [n + len(a) + len(w) for n, a, w in zip(lengths, asked, words, strict=True)]
        width, device = max(sizes), prefix.device
        ids = torch.full((len(words), width), self._words.pad_id, device=device)
        mask = torch.zeros((len(words), width), dtype=torch.long, device=device)
        targets = torch.full_like(ids, NO_TARGET)
        for i, (prompt, said, size) in enumerate(zip(asked, words, sizes, strict=True)):
            mask[i, width - size :] = 1
            text = torch.tensor([*prompt, *said], device=device, dtype=torch.long)
            if len(text):
                ids[i, width - len(text) :] = text
            if said:
                targets[i, width - len(said) :] = text[len(prompt) :]
        table = self.language_model.get_input_embeddings()  # type: ignore[operator]
        embeddings = table(ids).masked_fill(mask[..., None] == 0, 0.0)
        # rows without padding in between: each prefix is written where its row begins
        place = torch.arange(prefix.shape[1], device=device)
        real = place < n_prefix.to(device)[:, None]  # [batch, positions]
        row, source = real.nonzero(as_tuple=True)
        begin = width - torch.tensor(sizes, device=device)
        embeddings = embeddings.index_put(
            (row, begin[row] + source), prefix[row, source].to(embeddings.dtype)
        )
        return _Rows(embeddings, mask, targets)

    def _logits(self, rows: _Rows) -> tuple[Tensor, Tensor]:
        """Scores [batch, kept, vocabulary] before each kept target [batch, kept]."""
        n_words = int((rows.targets != NO_TARGET).sum(1).max())
        out = self.language_model(
            inputs_embeds=rows.embeddings,
            attention_mask=rows.mask,
            position_ids=rows.positions,
            use_cache=False,
            logits_to_keep=n_words + 1,
        )
        return out.logits[:, :-1].float(), rows.targets[:, -n_words:]

    def _scores(self, rows: _Rows) -> Tensor:
        """Mean log-probability of each row's targets."""
        logits, targets = self._logits(rows)
        return mean_log_probability(logits, targets)
