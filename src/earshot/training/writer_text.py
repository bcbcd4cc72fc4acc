"""A writer that learns from captions alone, before it ever hears: its folder serves as a start."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.files import is_file
from earshot.core.seed import generator, seed_all
from earshot.decoders.language_model import LanguageModelConfig, build_language_model
from earshot.decoders.prefix import PrefixDecoder
from earshot.text.caption_tokenizer import train_caption_tokenizer
from earshot.training.fit import FitConfig, fit

FOLDER = "writer"  # in the run's folder: model and tokenizer as `transformers` saves them


def teach_writer(
    config: LanguageModelConfig,
    captions: Sequence[str],
    prompt: str,
    settings: FitConfig,
    out: Path,
    *,
    batch_size: int,
    seed: int,
    most_tokens: int,
) -> Path:
    """The folder of a causal language model taught to go on from `prompt` with captions.

    The tokenizer is taught by the same captions. It goes on in `out` where it was killed there, and
    is not taught again where it was finished.
    """
    folder = out / FOLDER
    if is_file(folder / "config.json"):
        return folder
    tokenizer = train_caption_tokenizer([*captions, prompt], config.vocab_size)
    seed_all(seed)
    sizes = replace(config, vocab_size=tokenizer.vocab_size, lora=None)
    model = build_language_model(sizes)
    decoder = PrefixDecoder(model, tokenizer, most_tokens=most_tokens)

    def batches(start: int) -> Iterator[list[str]]:
        for step in itertools.count(start):
            rows = generator(seed, "writer", step).integers(len(captions), size=batch_size)
            yield [captions[int(i)] for i in rows]

    def loss_of(batch: list[str]) -> Tensor:
        prefix = model.get_input_embeddings().weight.new_zeros(len(batch), 0, decoder.dim)  # type: ignore[operator]
        n_prefix = torch.zeros(len(batch), dtype=torch.long, device=prefix.device)
        return decoder.loss(prefix, n_prefix, [prompt] * len(batch), batch)

    settings = replace(settings, seed=settings.seed + seed)
    fit(decoder, loss_of, batches, settings, out, resume=True)
    tokenizer.save(folder)
    model.eval().save_pretrained(folder)  # type: ignore[operator]
    return folder
