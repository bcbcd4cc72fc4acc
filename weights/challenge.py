"""Which encoder should the shipped model hear with? python weights/challenge.py

Every challenger learns what the present audio tower learns first (`lesson.Ears`: anchors of all
concepts, from between-class mixes), for as many seconds of processor time, on the same sounds and
in the same draws; those that are pre-trained spend a third of it on that. Then each names the
recordings that were set aside by the nearest anchor. Written to results/challenge.json and
docs/challenge.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path[1:1] = [str(Path(__file__).parents[1] / "benchmarks")]

from banks import SHORT  # noqa: E402
from build import CONFIG  # noqa: E402
from earshot.core.seed import generator, seed_all  # noqa: E402
from earshot.data.shared import shared_data  # noqa: E402
from earshot.encoders.earshot_cnn import EarshotCnnConfig  # noqa: E402
from earshot.encoders.panns import CnnConfig  # noqa: E402
from earshot.encoders.patches import PatchConfig  # noqa: E402
from earshot.encoders.spectrogram_transformer import SpectrogramTransformerConfig  # noqa: E402
from earshot.models.audio_tower import AudioTower  # noqa: E402
from earshot.models.pretraining.masked_spectrogram import MaskedSpectrogram  # noqa: E402
from earshot.recipes.clap import build  # noqa: E402
from earshot.training.experiment import Arm, Comparison, Experiment  # noqa: E402
from earshot.training.fit import FitConfig, fit  # noqa: E402
from judge import accuracy, heard  # noqa: E402
from lesson import Ears  # noqa: E402
from mixing import Mixer, Mixes  # noqa: E402
from sounds import PLAIN, Sound, procedural_sounds, real_sounds  # noqa: E402
from store import kept  # noqa: E402
from table import ROOT, make, options  # noqa: E402
from train import set_aside  # noqa: E402

PROBE_STEPS = 6  # that tell what a step costs
PRETRAINING = 1 / 3  # of the seconds


@dataclass(frozen=True)
class Challenger:
    """An audio tower of the shipped one's size, and what teaches it before it hears labels."""

    audio: AudioTower
    objective: Literal["none", "ssast"] = "none"
    seconds: float = 150.0  # of processor time, pre-training and all
    seed: int = 0  # also: which fold is set aside


TRANSFORMER = AudioTower(
    spectrogram=SpectrogramTransformerConfig(
        patches=PatchConfig(n_mels=64, height=64, width=8),
        dim=192,
        depth=4,
        n_heads=6,
        mlp_dim=768,
        most_frames=1_008,
        fill=-2.5,  # silence, levelled
    )
)
ARMS = {
    "earshot": (Challenger(AudioTower(earshot=EarshotCnnConfig())), "the present tower"),
    "panns": (
        Challenger(AudioTower(cnn=CnnConfig(channels=(40, 80, 160, 320), dim=320))),
        "PANNs' convolutions",
    ),
    "ssast": (Challenger(TRANSFORMER, "ssast"), "spectrogram transformer, after SSAST's task"),
}


def challenge() -> Experiment:
    """Every tower, and the present one against each."""
    return Experiment(
        "challenge",
        tuple(Arm(name, config, note) for name, (config, note) in ARMS.items()),
        tuple(
            Comparison("towers", figure, name, "earshot")
            for name in ARMS
            if name != "earshot"
            for figure in ("surroundings", "instruments")
        ),
        measure,
        module="earshot.training.fit",
    )


def measure(config: Challenger, out: Path) -> Mapping[str, float]:
    """Teach a challenger, and let it name what was set aside."""
    fold = 1 + config.seed % 4
    mixer, aside = material(fold)
    seed_all(config.seed)
    model = build(replace(CONFIG, model=replace(CONFIG.model, audio=config.audio)))
    if config.audio.spectrogram is not None:  # the others level what they hear by themselves
        model.audio_encoder.register_forward_pre_hook(lambda _, given: (level(given[0]), given[1]))
    if config.objective != "none":
        objective = Masked(model.audio_encoder)
        step = partial(mixes_of, mixer, config.seed + 1_000)
        taught(objective, objective, step, config.seconds * PRETRAINING, config.seed, out / "alone")
    share = 1.0 if config.objective == "none" else 1 - PRETRAINING
    ears = Ears(model, len(mixer.concepts))
    step = partial(mixes_of, mixer, config.seed)
    n_steps = taught(ears, ears.loss, step, config.seconds * share, config.seed, out / "ears")
    size = sum(value.numel() for value in model.audio_encoder.parameters()) / 1e6
    return {**named(model, ears, mixer, aside), "millions": size, "steps": float(n_steps)}


def mixes_of(mixer: Mixer, seed: int, number: int) -> Mixes:
    """What is heard in step `number`: half as many clips as the shipped model's training hears."""
    return mixer.mixes(generator(seed, number, "ears"), 32, SHORT, mix_share=1.0)


def level(log_mel: Tensor) -> Tensor:
    """Decibels at about mean 0 and variance 1."""
    return (log_mel + 50) / 20


class Masked(MaskedSpectrogram):
    """SSAST's task, of decibels."""

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """Decibels [batch, n_mels, frames] -> losses, as its parent gives them."""
        return super().forward(level(log_mel), n_frames)


@lru_cache(maxsize=1)
def material(fold: int) -> tuple[Mixer, list[Sound]]:
    """What is heard, and what is set aside."""
    work = ROOT / "runs" / "weights"
    work.mkdir(parents=True, exist_ok=True)
    data = shared_data("esc10")
    if data is None:
        raise SystemExit("Set EARSHOT_SHARED to the folder above the recordings' `data`.")
    real = kept(work / "real.pt", lambda: list(real_sounds(data.parent)))
    made = kept(work / "made.pt", lambda: list(procedural_sounds(0)))
    aside = [sound for sound in real if set_aside(sound, fold)]
    return Mixer([s for s in [*real, *made] if not set_aside(s, fold)], ()), aside


def taught(
    learner: nn.Module,
    loss: Callable[[Mixes], Tensor] | nn.Module,
    step_of: Callable[[int], Mixes],
    seconds: float,
    seed: int,
    out: Path,
) -> int:
    """Teach for about so many seconds of processor time; how many steps that were."""

    def loss_of(mixes: Mixes) -> Tensor | dict[str, Tensor]:
        return loss(mixes.log_mel, mixes.n_frames) if isinstance(loss, nn.Module) else loss(mixes)

    def fitted(n_steps: int, folder: Path) -> None:
        config = FitConfig(
            steps=n_steps, learning_rate=2e-3, warmup_steps=n_steps // 10, betas=(0.9, 0.98),
            weight_decay=0.05, precision="bf16", clip_norm=5.0, seed=seed,
            checkpoint_every=n_steps,
        )  # fmt: skip
        fit(learner, loss_of, batches, config, folder)

    def batches(start: int) -> Iterator[Mixes]:
        return map(step_of, count(start))

    before = {name: value.clone() for name, value in learner.state_dict().items()}
    fitted(PROBE_STEPS, out / "warm")
    began = time.process_time()
    fitted(PROBE_STEPS, out / "cost")
    cost = (time.process_time() - began) / PROBE_STEPS
    learner.load_state_dict(before)
    n_steps = max(20, round(seconds / cost))
    fitted(n_steps, out / "taught")
    return n_steps


@torch.inference_mode()
def named(model: nn.Module, ears: Ears, mixer: Mixer, aside: list[Sound]) -> dict[str, float]:
    """Shares of the recordings set aside whose nearest anchor, of their set's, is their own."""
    model.eval()
    anchors = F.normalize(ears.concept)
    figures = {}
    for name, origin in (("surroundings", "esc10"), ("instruments", "instruments")):
        own = [sound for sound in aside if sound.origin == origin]
        truth = [sound.concept for sound in own]
        names = sorted(set(truth))
        rows = heard(model, [sound.mels[PLAIN] for sound in own])
        at = anchors[[mixer.place[each] for each in names]]
        figures[name], _ = accuracy(rows, truth, names, at)
    return figures


if __name__ == "__main__":
    make("challenge", challenge, options(__doc__, seeds=3).parse_args())
