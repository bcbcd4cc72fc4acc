"""Train earshot-captioner: one command, `make captioner`; a killed run goes on when run again.

1. Recordings and renderings as log-mels, as `train.py` keeps them; one fold of ESC-10, a quarter of
   the instruments, two who speak digits and half of the spoken phrases are set aside, and parted:
   one half to choose by, the other for the test.
2. Scenes of one to three of them, heard by earshot-small and by what it was before it had heard
   what is set aside (`--unheard`, which `train.py` leaves).
3. The namer learns which kinds are in whole and halves; its thresholds are set on sounds aside.
4. The writer learns to tell what the prompt names, from scenes and from captions of people.
5. The test, once: figures and captions go into the model card.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from caption_card import ship
from caption_judge import settle
from caption_kinds import KINDS
from caption_scenery import Piece
from caption_store import Heard, all_pieces, block, joined, recorded_kinds
from caption_test import test_sets, tested
from caption_words import HumanCaption, all_words, human_captions, human_prompt, told, true_prompt
from earshot.core.config import to_dict
from earshot.core.files import write_text
from earshot.core.seed import generator, seed_all
from earshot.decoders.decoding import DecodingConfig
from earshot.decoders.language_model import LanguageModelConfig
from earshot.layers.prefix_mapper import PrefixMapperConfig
from earshot.models.event_namer import EventNamerConfig
from earshot.models.named_captioner import NamedCaptioner, NamedCaptionerConfig
from earshot.models.shipped import shipped_start
from earshot.models.two_tower import TwoTower
from earshot.text.caption_tokenizer import train_caption_tokenizer
from earshot.training.fit import FitConfig, fit
from ship import REPOSITORY, Clock, halved
from sounds import procedural_sounds, real_sounds
from store import kept

CONFIG = NamedCaptionerConfig(
    namer=EventNamerConfig(names=tuple(KINDS)),
    mapper=PrefixMapperConfig(n_vectors=4, hidden=256, depth=0),
    writer=LanguageModelConfig(
        dim=192, depth=3, n_heads=6, vocab_size=1_536, max_positions=160, dropout=0.1
    ),
)


@dataclass(frozen=True)
class Plan:
    """The numbers of a whole run."""

    n_blocks: int = 40  # of BLOCK scenes
    n_val_blocks: int = 2
    namer_steps: int = 2_500
    steps: int = 2_600
    n_scenes: int = 24  # in a batch of the writer
    n_human: int = 4  # captions of people beside them
    text_noise: float = 0.004  # variance a dimension of what stands for a caption of people
    noise: float = 0.0008  # variance a dimension of what stands for a sound
    n_texts: int = 24_000  # captions of people
    seed: int = 0


class NamerLesson(nn.Module):
    """The namer's loss: which kinds are in the whole, and which in each half."""

    def __init__(self, model: NamedCaptioner) -> None:
        super().__init__()
        self.namer = model.namer

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Binary cross-entropy over parts and names, summed over names."""
        heard, there = batch
        logits = self.namer(heard)
        each = F.binary_cross_entropy_with_logits(logits, there * 0.98 + 0.001, reduction="none")
        return each.sum(-1).mean()


@dataclass(frozen=True)
class Lesson:
    """What the writer reads in a step."""

    heard: Tensor  # [rows, 3, dim]
    prompts: list[str]
    captions: list[str]


class Lessons:
    """Steps of the writer: the same whenever they are asked for."""

    def __init__(
        self, model: NamedCaptioner, heard: Heard, human: list[HumanCaption], read: Tensor,
        plan: Plan,
    ) -> None:  # fmt: skip
        self.model, self.heard, self.human, self.read = model, heard, human, read
        self.plan = plan

    def batches(self, start: int) -> Iterator[Lesson]:
        """From that step on."""
        return map(self.step, itertools.count(start))

    def step(self, number: int) -> Lesson:
        """Scenes first, then captions of people."""
        rng = generator(self.plan.seed, number, "lesson")
        rows = rng.integers(len(self.heard.events), size=self.plan.n_scenes)
        sounds = noisy(self.heard.embeddings[rows].float(), self.plan.noise, rng)
        prompts, captions = self._told(rows.tolist(), sounds, rng)
        picked = rng.integers(len(self.human), size=self.plan.n_human)
        texts = self.read[picked].float()[:, None].expand(-1, 3, -1)
        texts = noisy(texts, self.plan.text_noise, rng)
        people = [self.human[i] for i in picked]
        return Lesson(
            torch.cat([sounds, texts]),
            [*prompts, *(human_prompt(each, rng) for each in people)],
            [*captions, *(each.text for each in people)],
        )

    def _told(
        self, rows: list[int], sounds: Tensor, rng: np.random.Generator
    ) -> tuple[list[str], list[str]]:
        """Prompts of scenes, half of them the namer's own, and what is told under them."""
        namer = self.model.namer.eval()
        own = namer.prompts(sounds)
        prompts, captions = [], []
        for row, named in zip(rows, own, strict=True):
            kinds = [kind for kind, _, _ in self.heard.events[row]]
            relation, draw = self.heard.relations[row], rng.random()
            prompt = named
            if draw < 0.08:
                prompt = ""
            elif draw < 0.5:
                prompt = true_prompt(kinds, relation, rng)
            prompts.append(prompt)
            captions.append(told(kinds, relation, prompt, rng))
        return prompts, captions


def noisy(rows: Tensor, variance: float, rng: np.random.Generator) -> Tensor:
    """Unit rows with noise of so much variance a dimension, unit again."""
    noise = torch.from_numpy(rng.normal(0, variance**0.5, tuple(rows.shape)).astype(np.float32))
    return F.normalize(rows + noise, dim=-1)


def there(heard: Heard) -> Tensor:
    """Which kinds are in the whole and in each half, [scenes, 3, kinds]."""
    place = {kind: i for i, kind in enumerate(KINDS)}
    found = torch.zeros(len(heard.events), 3, len(place), dtype=torch.bool)
    for row, (events, length) in enumerate(zip(heard.events, heard.lengths, strict=True)):
        middle = length / 2 if length >= 100 else 0
        for kind, begin, end in events:
            end = min(end, length)
            found[row, 0, place[kind]] = True
            halves = ((begin, min(end, middle)), (max(begin, middle), end))
            if not middle:
                found[row, 1:, place[kind]] = True
                continue
            for half, (a, b) in enumerate(halves, start=1):
                found[row, half, place[kind]] |= b - a >= min(40, 0.5 * (end - begin))
    return found


def teach_namer(model: NamedCaptioner, heard: Heard, plan: Plan, work: Path) -> None:
    """Train the namer on scenes; a killed run goes on."""
    truth = there(heard)

    def batches(start: int) -> Iterator[tuple[Tensor, Tensor]]:
        for number in itertools.count(start):
            rng = generator(plan.seed, number, "namer")
            rows = rng.integers(len(truth), size=256)
            sounds = noisy(heard.embeddings[rows].float(), 2 * plan.noise, rng)
            yield sounds, truth[rows].float()

    config = FitConfig(
        steps=plan.namer_steps, learning_rate=2e-3, warmup_steps=50, weight_decay=0.05,
        seed=plan.seed, checkpoint_every=500,
    )  # fmt: skip
    out, lesson = work / "namer", NamerLesson(model)
    fit(lesson, lesson.loss, batches, config, out, resume=(out / "checkpoints").is_dir())
    lesson.requires_grad_(False).eval()


def teach_writer(model: NamedCaptioner, lessons: Lessons, plan: Plan, work: Path) -> None:
    """Train mapper and writer; a killed run goes on."""

    def loss(batch: Lesson) -> Tensor:
        return model.loss(batch.heard, batch.prompts, batch.captions)

    config = FitConfig(
        steps=plan.steps, learning_rate=1e-3, warmup_steps=100, weight_decay=0.02,
        precision="bf16", clip_norm=1.0, seed=plan.seed, checkpoint_every=250,
    )  # fmt: skip
    out = work / "writer"
    fit(model, loss, lessons.batches, config, out, resume=(out / "checkpoints").is_dir())
    model.eval()


@torch.inference_mode()
def read_texts(ears: TwoTower, texts: list[str]) -> Tensor:
    """Unit rows [texts, dim] in half precision."""
    rows = [ears.embed_text(texts[i : i + 128]).half() for i in range(0, len(texts), 128)]
    return torch.cat(rows)


def people_and_rows(data: Path, work: Path, plan: Plan) -> tuple[list[HumanCaption], Tensor]:
    """Captions of people and their embeddings."""
    every = kept(work / "human.pt", lambda: human_captions(data / "text"))
    order = generator(plan.seed, "people").permutation(len(every))[: plan.n_texts]
    human = [every[i] for i in order]
    rows = kept(work / "read.pt", lambda: read_texts(shipped_start(CONFIG.ears).model,
                                                     [each.text for each in human]))  # fmt: skip
    return human, rows


def main() -> None:
    """Read the options, do what is not yet done, say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=REPOSITORY / "../shared/data")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs/captioner")
    parser.add_argument("--sounds", type=Path, default=REPOSITORY / "runs/weights")
    parser.add_argument("--unheard", type=Path, default=REPOSITORY / "runs/weights/part.pt")
    parser.add_argument("--fold", type=int, default=4, choices=(1, 2, 3, 4))
    parser.add_argument("--only-choose", action="store_true", help="figures to choose by alone")
    options = parser.parse_args()
    plan, work, clock = Plan(), options.work, Clock(options.work / "minutes.json")
    seed_all(plan.seed)

    @cache
    def pieces() -> list[Piece]:  # three minutes and two gigabytes: only where something is missing
        sounds = kept(options.sounds / "real.pt", lambda: list(real_sounds(options.data)))
        sounds += kept(options.sounds / "made.pt", lambda: list(procedural_sounds(plan.seed)))
        return all_pieces(sounds, options.data, work, options.fold)

    ears, unheard = shipped_start(CONFIG.ears).model, shipped_start(CONFIG.ears).model
    unheard.load_state_dict(torch.load(options.unheard, weights_only=True))
    train = joined([block(pieces, "train", i, (ears, unheard), work) for i in range(plan.n_blocks)])
    val = joined([block(pieces, "val", i, (unheard,), work) for i in range(plan.n_val_blocks)])
    recorded = kept(work / "recorded.pt", lambda: recorded_kinds(pieces()))
    human, read = people_and_rows(options.data, work, plan)
    clock.note("hearing and reading")
    model = NamedCaptioner(CONFIG)
    words = all_words(human, 8_000, plan.seed)
    model.decoder.tokenizer = train_caption_tokenizer(words, CONFIG.writer.vocab_size)
    teach_namer(model, train, plan, work)
    settled = settle(model.namer, val.embeddings, there(val)[:, 0], recorded)
    print(settled, flush=True)
    clock.note("naming")
    teach_writer(model, Lessons(model, train, human, read, plan), plan, work)
    clock.note("writing")
    halved(model)
    decoding = DecodingConfig.by_beams(4, max_tokens=40)
    split = "val" if options.only_choose else "test"
    sets = list(test_sets(pieces(), split))
    told, rows = tested(model, sets, ears, unheard, decoding)
    print(json.dumps(told, indent=1), flush=True)
    if options.only_choose:
        write_text(work / "choose.json", json.dumps(rows, indent=1) + "\n")
        return
    facts = {
        "minutes": clock.minutes(), "thresholds": settled, "n_kinds": len(KINDS),
        "n_scenes": len(train.events), "n_texts": len(human), "plan": to_dict(plan),
        "parameters": sum(each.numel() for each in model.parameters()),
    }  # fmt: skip
    ship(model, told, rows, facts)


if __name__ == "__main__":
    main()
