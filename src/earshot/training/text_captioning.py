"""What a text-trained captioner learns from: captions, what stands for them, what names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.files import is_file
from earshot.core.seed import generator
from earshot.data import open_clips
from earshot.models.embedder import Embedder
from earshot.models.gap_bridge import GapBridge
from earshot.models.hard_prompts import (
    HardPromptConfig,
    TextBank,
    alike_in_training,
    first_alias,
    prompt_text,
    with_errors,
)
from earshot.models.start import Start
from earshot.text.caption_tokenizer import CaptionTokenizer, train_caption_tokenizer
from earshot.text.lexicon import audioset_lexicon

BLOCK = 512  # captions whose prompts are looked up at once


@dataclass(frozen=True)
class TextBatch:
    """Captions, what stands for them [batch, dim], and prompts, where there are any."""

    embeddings: Tensor
    prompts: list[str] | None
    captions: list[str]

    def to(self, device: torch.device | str) -> TextBatch:
        """The same with its embeddings on a device."""
        return TextBatch(self.embeddings.to(device), self.prompts, self.captions)


class PromptLookup:
    """What a hard prompt names for every caption of a corpus, looked up once.

    `events` are names of sounds; captions alike are of the corpus itself.
    """

    def __init__(self, corpus: TextBank, events: TextBank | None, config: HardPromptConfig) -> None:
        self.config, self.corpus, self.events = config, corpus, events
        self._events = self._alike = None
        if config.n_events and events is not None:
            self._events = _lookup(corpus.embeddings, lambda q: events.closest(q, config.n_events))
        if config.n_similar:
            span = (config.similar_from, config.similar_to)
            self._alike = _lookup(
                corpus.embeddings, lambda q: alike_in_training(corpus, q, config.n_similar, *span)
            )

    def prompts(self, rows: Sequence[int], seed: int, step: int) -> list[str] | None:
        """Prompts of these captions, with the mistakes of that step; None where none are wanted."""
        if self.config.is_none:
            return None
        rng, made = generator(seed, "prompt errors", step), []
        for row in rows:
            events, alike = [], []
            if self._events is not None and self.events is not None:
                names = self.events.texts
                places = self._events[row].tolist()
                kept = with_errors(places, len(names), self.config.error_rate, rng)
                events = [names[i] for i in kept]
            if self._alike is not None:
                alike = [self.corpus.texts[i] for i in self._alike[row].tolist()]
            made.append(prompt_text(events, alike))
        return made


class TextBatches:
    """Batches of a corpus without end: every caption once an epoch, in an order by the seed.

    `corpus` has the captions and the embeddings that are bridged, the texts' own as a rule.
    With several processes each takes its rows of every batch.
    """

    def __init__(
        self,
        corpus: TextBank,
        bridge: GapBridge,
        lookup: PromptLookup,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.captions, self.stands_for = corpus.texts, corpus.embeddings
        self.bridge, self.lookup = bridge, lookup
        self.batch_size, self.seed = min(batch_size, len(corpus.texts)), seed
        self.rank, self.world = rank, world

    def batches(self, start_step: int = 0) -> Iterator[TextBatch]:
        """From that step on; the same whenever it is asked."""
        per_epoch = len(self.captions) // self.batch_size
        step = start_step
        while True:
            epoch, place = divmod(step, per_epoch)
            order = generator(self.seed, "captions", epoch).permutation(len(self.captions))
            begin = place * self.batch_size
            yield self.batch([int(i) for i in order[begin : begin + self.batch_size]], step)
            step += 1

    def batch(self, rows: Sequence[int], step: int) -> TextBatch:
        """The batch of these captions at that step."""
        noise = torch.Generator().manual_seed(
            int(generator(self.seed, "bridge", step).integers(2**62))
        )
        places = torch.tensor(rows)
        moved = self.bridge.train_text(self.stands_for[places], places, noise)
        prompts = self.lookup.prompts(rows, self.seed, step)
        mine = slice(self.rank, None, self.world)
        told = [self.captions[i] for i in rows]
        return TextBatch(moved[mine], None if prompts is None else prompts[mine], told[mine])


def _lookup(queries: Tensor, find: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.cat([find(block) for block in queries.split(BLOCK)])


def caption_tokenizer(source: str, captions: Iterable[str], vocab_size: int) -> CaptionTokenizer:
    """The tokenizer in a folder, where one is named, else one trained on the captions."""
    if source:
        return CaptionTokenizer.load(source)
    return train_caption_tokenizer(captions, vocab_size)


def event_names(events: str | None) -> tuple[str, ...]:
    """Names of sounds for the prompt: a file's lines, else AudioSet's, each by its first alias."""
    if events is None:
        names: Sequence[str] = [sound.name for sound in audioset_lexicon().sounds]
    else:
        path = Path(events).expanduser()
        names = path.read_text("utf-8").splitlines() if is_file(path) else []
    found = tuple(dict.fromkeys(alias for name in names if (alias := first_alias(name))))
    if not found:
        raise EarShotError(
            got=f"events={events}, without a name",
            expected="a text file with the name of a sound a line",
            mend="Name such a file, or leave events out for AudioSet's names.",
        )
    return found


def embeddings_in(source: str, start: Start) -> Tensor:
    """What a model hears in the sounds of a folder or a manifest, [sounds, dim]."""
    hear = Embedder(start.model, start.name).embed_audio
    return torch.stack([torch.from_numpy(hear(clip.read()).mean) for clip in open_clips(source)])
