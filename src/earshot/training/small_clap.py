"""A small CLAP on sounds that fit into memory: log-mels are made once, captions are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.seed import generator, seed_all
from earshot.data import Clip
from earshot.models.towers import TwoTowerConfig, build_two_tower
from earshot.models.two_tower import TwoTower
from earshot.objectives.infonce import InfoNCE
from earshot.training.fit import FitConfig, fit

AT_ONCE = 100  # clips that are embedded together


def frames_of(model: TwoTower, clips: Sequence[Clip]) -> Tensor:
    """Log-mels of clips of one length, [clips, n_mels, frames]."""
    made = []
    for clip in clips:
        sound = torch.from_numpy(clip.read(sample_rate=model.sample_rate).waveform)[None]
        with torch.no_grad():
            made.append(model.frames(sound, torch.tensor([sound.shape[1]]))[0])
    return torch.cat(made)


@torch.no_grad()
def embeddings_of(model: TwoTower, frames: Tensor) -> Tensor:
    """Unit rows [clips, dim] of what `frames_of` made."""
    parts = []
    for each in frames.split(AT_ONCE):
        parts.append(model.embed_frames(each, torch.full((len(each),), each.shape[2])))
    return torch.cat(parts)


def train_small_clap(
    config: TwoTowerConfig,
    frames: Tensor,
    captions: Sequence[Sequence[str]],
    settings: FitConfig,
    out: Path,
    *,
    batch_size: int,
    seed: int,
) -> TwoTower:
    """The model taught by log-mels [clips, n_mels, frames] with captions, in eval mode.

    It goes on in `out` where it was killed there.
    """
    seed_all(seed)
    model, objective = build_two_tower(config), InfoNCE()

    def batches(start: int) -> Iterator[dict[str, object]]:
        step = start
        while True:
            rng = generator(seed, "small CLAP", step)
            rows = rng.choice(len(frames), min(batch_size, len(frames)), replace=False)
            told = [captions[int(i)][int(rng.integers(len(captions[int(i)])))] for i in rows]
            yield {"frames": frames[torch.from_numpy(rows)], "captions": told}
            step += 1

    def loss_of(batch: dict[str, object]) -> Tensor:
        heard, told = batch["frames"], batch["captions"]
        assert isinstance(heard, Tensor)
        assert isinstance(told, list)
        n_frames = torch.full((len(heard),), heard.shape[2], device=heard.device)
        audio = model.embed_frames(heard, n_frames)
        return objective(audio, model.embed_text(told), model.scale)

    settings = replace(settings, seed=settings.seed + seed)
    fit(model, loss_of, batches, settings, out, resume=True, after_step=model.clamp_scale)
    return model.eval()
