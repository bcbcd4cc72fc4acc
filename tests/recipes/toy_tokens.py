"""Sounds of two kinds, one after the other, as tokens of an encoder that was never built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import torch
from torch import Tensor

from earshot.audio import Audio
from earshot.core.seed import generator
from earshot.data import Clip
from earshot.decoders.language_model import LanguageModelConfig, LoraSettings
from earshot.metrics.caption_events import EventReader
from earshot.models.slam_captioner import SlamCaptioner
from earshot.recipes.slam_aac import Config
from earshot.text.caption_tokenizer import CaptionTokenizer
from earshot.text.combining import bare_caption
from earshot.text.paraphrasing import ways_to_say
from earshot.training.caption_choices import Judged
from earshot.training.fit import FitConfig
from earshot.training.kept_states import StatesBatch
from earshot.training.writer_text import teach_writer

SAID = {
    "dog": "a dog barks", "bell": "a bell rings", "siren": "a siren wails",
    "bird": "a bird chirps", "man": "a man speaks", "engine": "an engine hums",
}  # fmt: skip
PAIRS = tuple(permutations(SAID, 2))
READER = EventReader({kind: ways_to_say(said.split(" ", 1)[1]) for kind, said in SAID.items()})
DIM, TOKENS, NOISE = 16, 10, 1.6
_DRAW = torch.Generator().manual_seed(0)
KINDS = {kind: torch.randn(DIM, generator=_DRAW) for kind in SAID}


def caption(pair: Sequence[str]) -> str:
    """What is said of a pair."""
    return f"{SAID[pair[0]]} then {SAID[pair[1]]}"


class TokenSounds:
    """Pairs by the seed with their tokens: half of them of the first kind, half of the second."""

    def __init__(self, n: int, seed: int) -> None:
        rng = generator(seed, "token sounds")
        self.pairs = [PAIRS[int(i)] for i in rng.integers(len(PAIRS), size=n)]
        noise = torch.Generator().manual_seed(seed)
        halves = torch.stack([torch.stack([KINDS[a], KINDS[b]]) for a, b in self.pairs])
        tokens = halves.repeat_interleave(TOKENS // 2, 1)
        self.states = tokens + NOISE * torch.randn(tokens.shape, generator=noise)
        silence = Audio(torch.zeros(100).numpy(), 16_000)
        self.clips = [
            Clip(silence, captions=(caption(pair),), extra={"events": list(pair)}, id=str(i))
            for i, pair in enumerate(self.pairs)
        ]

    def rows(self, places: Sequence[int], captions: Sequence[str]) -> StatesBatch:
        """As `KeptStates.rows`."""
        places = list(places)
        lengths = torch.full((len(places),), TOKENS)
        clips = [self.clips[i] for i in places]
        return StatesBatch(self.states[places], lengths, list(captions), clips)

    def judged(self, *, shuffled: bool = False) -> Judged:
        """A judge that heard the same sounds with noise of its own; or, as a control, others."""
        noise = torch.Generator().manual_seed(7)
        rows = torch.stack([KINDS[a] + KINDS[b] for a, b in self.pairs])
        rows = rows + 0.3 * torch.randn(rows.shape, generator=noise)
        return Judged(rows.roll(1, 0) if shuffled else rows, read)


def read(texts: Sequence[str]) -> Tensor:
    """Texts in the judge's space: the sum of the kinds that they name."""
    return torch.stack([sum((KINDS[k] for k in READER.events(t)), torch.zeros(DIM)) for t in texts])


def writer_folder(out: Path) -> Path:
    """A writer that knows the captions, and their paraphrases' words."""
    texts = [bare_caption(caption(pair)) for pair in PAIRS]
    sizes = LanguageModelConfig(dim=32, depth=1, n_heads=2, vocab_size=320, max_positions=80,
                                dropout=0.0)  # fmt: skip
    fit = FitConfig(steps=80, learning_rate=1e-2, warmup_steps=5)
    return teach_writer(sizes, texts, "say:", fit, out, batch_size=24, seed=0, most_tokens=24)


def taught(
    folder: Path, sounds: TokenSounds, say: Callable[[int, int], str], *, lora: bool = True,
    steps: int = 60,
) -> tuple[SlamCaptioner, float]:  # fmt: skip
    """A captioner taught by sounds, and its last mean loss; `say(place, step)` is what it learns"""
    small = Config.small().model
    settings = LoraSettings(r=4, alpha=16.0, dropout=0.0, targets=("c_attn",)) if lora else None
    torch.manual_seed(0)
    ears = replace(small.encoder.audio.eat, transformer=replace(
        small.encoder.audio.eat.transformer, dim=DIM, depth=1, n_heads=2, mlp_dim=16))  # fmt: skip
    encoder = replace(small.encoder, audio=replace(small.encoder.audio, eat=ears))
    model = SlamCaptioner(
        replace(
            small,
            encoder=encoder,
            hidden=32,
            writer=LanguageModelConfig(folder=str(folder), lora=settings),
            prompt="say:",
            most_tokens=24,
        )
    )
    model.decoder.tokenizer = CaptionTokenizer.load(folder)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2)
    losses = []
    for step in range(steps):
        rows = generator(3, "toy step", step).integers(len(sounds.clips), size=24).tolist()
        batch = sounds.rows(rows, [say(i, step) for i in rows])
        loss = model.loss(batch.states, batch.n_positions, batch.captions)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return model.eval(), sum(losses[-15:]) / 15
