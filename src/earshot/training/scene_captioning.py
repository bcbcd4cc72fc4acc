"""What a captioner of procedural scenes starts from: encoder, writer and judge, all small."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.seed import generator, seed_all
from earshot.data import ClipSet
from earshot.decoders.language_model import LanguageModelConfig
from earshot.metrics.caption_events import EventReader
from earshot.models.audio_tower import SoundEncoderConfig, build_sound_encoder
from earshot.models.caption_judge import CaptionJudge
from earshot.models.pretraining.ufo import Ufo, UfoConfig
from earshot.models.small_clap import small_clap_config
from earshot.models.sound_encoder import SoundEncoder
from earshot.models.start import Ears
from earshot.models.towers import TwoTowerConfig, build_two_tower
from earshot.synth.caption_scenes import (
    KINDS,
    RELATIONS,
    CaptionScenesConfig,
    caption_scenes,
    draw_event,
    kind_words,
    tell,
)
from earshot.text.combining import bare_caption
from earshot.text.paraphrasing import ways_to_say
from earshot.training.fit import FitConfig, fit
from earshot.training.small_clap import frames_of, train_small_clap
from earshot.training.writer_text import teach_writer

PROMPT = "audio caption:"  # of the small writer


@dataclass(frozen=True)
class SceneStartConfig:
    """What is learnt from without --data: scenes, and captions of scenes that nobody made."""

    n_clips: int = 1_000
    n_heard: int = 550  # of them: what encoder and captioner learn from
    n_judged: int = 300  # the next ones: what the judge learns from; the others are the test
    n_texts: int = 4_000  # captions that the writer learns from before it hears
    ears: Literal["ufo", "tags"] = "tags"  # how the encoder learns
    ears_fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            steps=450, learning_rate=1e-3, warmup_steps=60, weight_decay=0.01, clip_norm=4.0
        )
    )
    ufo: UfoConfig = field(
        default_factory=lambda: UfoConfig(
            n_clones=4, side=2, decoder_depth=2, decay=0.99, end_decay=0.999, decay_updates=400
        )
    )
    ears_batch: int = 24
    writer_fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            steps=300, learning_rate=3e-3, warmup_steps=30, weight_decay=0.01, clip_norm=1.0
        )
    )
    writer_batch: int = 64
    clap: TwoTowerConfig = field(default_factory=small_clap_config)
    clap_fit: FitConfig = field(
        default_factory=lambda: FitConfig(steps=400, learning_rate=2e-3, warmup_steps=30)
    )
    clap_batch: int = 48

    def __post_init__(self) -> None:
        if min(self.n_heard, self.n_judged) < 2 or self.n_heard + self.n_judged >= self.n_clips:
            raise EarShotError(
                got=f"toy.n_heard={self.n_heard} and toy.n_judged={self.n_judged} of "
                f"toy.n_clips={self.n_clips}",
                expected="clips for each, and others to test",
                mend="Change one of them.",
            )


@lru_cache(maxsize=1)
def scene_parts(toy: SceneStartConfig, seed: int) -> tuple[ClipSet, ClipSet, ClipSet]:
    """The seed's clips: to learn from, for the judge, for the test."""
    clips = caption_scenes(toy.n_clips, seed)
    first, second = toy.n_heard, toy.n_heard + toy.n_judged
    parts = (clips[:first], clips[first:second], clips[second:])
    heard, judged, test = (ClipSet(each, name="scenes", labels=list(KINDS)) for each in parts)
    return heard, judged, test


def scene_ears(toy: SceneStartConfig, encoder: SoundEncoderConfig, seed: int, out: Path) -> Ears:
    """An encoder that learnt from the first scenes: by their labels, or without by the teacher."""
    seed_all(seed)
    model = build_sound_encoder(encoder)
    heard, _, _ = scene_parts(toy, seed)
    frames = filter_banks(model, heard)
    hot = torch.zeros(len(heard), len(KINDS))
    for row, clip in zip(hot, heard, strict=True):
        row[[KINDS.index(label) for label in clip.labels]] = 1.0
    ears = model.audio_encoder
    whole: nn.Module
    if toy.ears == "ufo":
        whole = Ufo(ears, toy.ufo)
        after = whole.after_update
    else:
        whole, after = nn.ModuleList([ears, nn.Linear(ears.dim, len(KINDS))]), None

    def batches(start: int) -> Iterator[list[Tensor]]:
        for step in itertools.count(start):
            rows = generator(seed, "ears", step).choice(len(frames), toy.ears_batch)
            yield [frames[torch.from_numpy(rows)], hot[torch.from_numpy(rows)]]

    def loss_of(batch: list[Tensor]) -> dict[str, Tensor]:
        log_mel, labels = batch
        n_frames = torch.full((len(log_mel),), log_mel.shape[2], device=log_mel.device)
        if isinstance(whole, Ufo):
            return whole(log_mel, n_frames)
        logits = whole[1](ears(log_mel, n_frames))
        return {"loss": F.binary_cross_entropy_with_logits(logits.float(), labels)}

    settings = replace(toy.ears_fit, seed=toy.ears_fit.seed + seed)
    fit(whole, loss_of, batches, settings, out, resume=True, after_step=after)
    return Ears(f"scenes by {toy.ears}", model.requires_grad_(False).eval(), encoder)


@torch.no_grad()
def filter_banks(model: SoundEncoder, clips: ClipSet) -> Tensor:
    """What the front end makes of clips of one length, [clips, n_mels, frames]."""
    made = []
    for clip in clips:
        sound = torch.from_numpy(clip.read(sample_rate=model.sample_rate).waveform)[None]
        made.append(model.frames(sound, torch.tensor([sound.shape[1]]))[0])
    return torch.cat(made)


def scene_texts(n: int, seed: int) -> list[str]:
    """Captions of `n` scenes that nobody made, in lower case without punctuation."""
    rng, scenes, found = generator(seed, "texts"), CaptionScenesConfig(), []
    for _ in range(n):
        relation = RELATIONS[int(rng.integers(len(RELATIONS)))]
        kinds = rng.choice(len(KINDS), 1 if relation == "single" else 2, replace=False)
        events = [draw_event(KINDS[int(i)], scenes, rng) for i in kinds]
        found += [bare_caption(text) for text in tell(events, relation, 1, rng)]
    return found


def scene_writer(
    toy: SceneStartConfig, writer: LanguageModelConfig, seed: int, out: Path, most_tokens: int
) -> Path:
    """The folder of a language model that learnt from captions alone."""
    return teach_writer(
        writer,
        scene_texts(toy.n_texts, seed),
        PROMPT,
        toy.writer_fit,
        out,
        batch_size=toy.writer_batch,
        seed=seed,
        most_tokens=most_tokens,
    )


def scene_reader() -> EventReader:
    """Reads the kinds of sound off captions, by their own names and by those of paraphrases."""
    return EventReader(
        {
            kind: tuple(dict.fromkeys(way for name in names for way in ways_to_say(name)))
            for kind, names in kind_words().items()
        }
    )


def scene_judge(toy: SceneStartConfig, seed: int, out: Path) -> CaptionJudge:
    """A small CLAP that learnt from clips and captions that no one else heard."""
    _, judged, _ = scene_parts(toy, seed)
    told = [tuple(bare_caption(text) for text in clip.captions) for clip in judged]
    model = train_small_clap(
        toy.clap,
        frames_of(build_two_tower(toy.clap), judged),
        told,
        toy.clap_fit,
        out,
        batch_size=toy.clap_batch,
        seed=seed,
    )
    return CaptionJudge("", model, config=toy.clap)
