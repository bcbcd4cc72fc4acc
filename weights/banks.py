"""What the audio tower hears while it learns from words that are already read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from earshot.core.seed import generator
from earshot.models.two_tower import TwoTower
from lesson import Heard, phrased
from mixing import Mixer, Mixes, Scenes

N_PHRASINGS = 8
SHORT, LONG = 496, 992  # frames: 5 s and 10 s


@torch.no_grad()
def names_of(mixer: Mixer, model: TwoTower, seed: int) -> Tensor:
    """Unit rows [N_PHRASINGS, concepts, dim] of phrases of every concept."""
    rng = generator(seed, "names")
    texts = [phrased(mixer, c, rng) for _ in range(N_PHRASINGS) for c in mixer.concepts]
    rows = torch.cat([model.embed_text(texts[i : i + 256]) for i in range(0, len(texts), 256)])
    return rows.view(N_PHRASINGS, len(mixer.concepts), -1)


def heard_of(mixes: Mixes, scenes: Scenes, model: TwoTower) -> Heard:
    """Mixes and scenes as one step, their captions read."""
    with torch.no_grad():
        told = model.embed_text([*scenes.captions, *scenes.wrong])
    captions, wrong = told.split(len(scenes.captions))
    return Heard(
        torch.cat([mixes.log_mel, scenes.log_mel]), torch.cat([mixes.n_frames, scenes.n_frames]),
        mixes.shares, scenes.order, captions, wrong,
    )  # fmt: skip


def mixes_of(mixer: Mixer, seed: int, number: int) -> Mixes:
    """What the ears alone hear in step `number`."""
    return mixer.mixes(generator(seed, number, "ears"), 64, SHORT, mix_share=1.0)


def drawn(mixer: Mixer, model: TwoTower, seed: int, number: int) -> Heard:
    """Step `number` of a seed; every fourth is twice as long with half as many clips."""
    rng, part = generator(seed, number, "hear"), 2 if number % 4 == 3 else 1
    n_frames = LONG if part == 2 else SHORT
    mixes = mixer.mixes(rng, 40 // part, n_frames, mix_share=0.9)
    return heard_of(mixes, mixer.scenes(rng, 24 // part, n_frames), model)


@dataclass(frozen=True)
class Bank:
    """Many Heard in one, after the convolutions: steps in half precision."""

    mixes: Heard
    scenes: Heard

    def step(self, seed: int, number: int, n_mixes: int = 64, n_scenes: int = 128) -> Heard:
        """Some of both, drawn at random."""
        rng = generator(seed, number, "bank")
        a = torch.from_numpy(rng.choice(len(self.mixes.shares), n_mixes, replace=False))
        b = torch.from_numpy(rng.choice(len(self.scenes.order), n_scenes, replace=False))
        return Heard(
            torch.cat([self.mixes.sounds[a], self.scenes.sounds[b]]),
            torch.cat([self.mixes.n_real[a], self.scenes.n_real[b]]),
            self.mixes.shares[a], self.scenes.order[b], self.scenes.captions[b],
            self.scenes.wrong[b],
        )  # fmt: skip


@torch.no_grad()
def bank_of(mixer: Mixer, model: TwoTower, seed: int, n_rounds: int, n_frames: int) -> Bank:
    """n_rounds times 32 mixes and 32 scenes of n_frames, heard by the resting convolutions."""
    rounds = []
    model.eval()
    for number in range(n_rounds):
        rng = generator(seed, number, f"bank of {n_frames}")
        mixes = mixer.mixes(rng, 32, n_frames, mix_share=0.9)
        heard = heard_of(mixes, mixer.scenes(rng, 32, n_frames), model)
        with torch.autocast("cpu", torch.bfloat16):
            steps, padding = model.audio_encoder.steps(heard.sounds, heard.n_real)
        rounds.append((steps.half(), (~padding).sum(1), heard))

    def gathered(rows: slice) -> tuple[Tensor, Tensor]:
        return torch.cat([r[0][rows] for r in rounds]), torch.cat([r[1][rows] for r in rounds])

    def every(name: str) -> Tensor:
        return torch.cat([getattr(r[2], name) for r in rounds])

    nothing = torch.empty(0)
    mixes = Heard(*gathered(slice(0, 32)), every("shares"), nothing, nothing, nothing)
    scenes = Heard(
        *gathered(slice(32, None)), nothing, every("order"), every("captions"), every("wrong")
    )
    return Bank(mixes, scenes)
