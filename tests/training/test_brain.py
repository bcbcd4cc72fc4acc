from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data.brain import BrainStudy, split_extents
from earshot.models.brain_module import BrainModule, DeepMelConfig
from earshot.recipes import brain_decoding
from earshot.recipes.brain_decoding import Config
from earshot.synth.brain import BrainSimConfig, simulate_study
from earshot.training.brain import (
    BrainMaterial,
    brain_material,
    decoding_figures,
    hear_extent,
    score_windows,
    taught_speech,
)
from recipes.tiny_brain import tiny_config, tiny_speech_config

SPOKEN = BrainSimConfig(n_subjects=2, n_sensors=6, n_stories=1, story_s=60.0, spoken=True)


class Ear:
    """Gives the sound itself, a hundred times a second, and remembers what it heard."""

    sample_rate, rate, dim = 16_000, 100.0, 1

    def __init__(self) -> None:
        self.heard: list[Tensor] = []

    def __call__(self, waveform: Tensor) -> Tensor:
        self.heard.append(waveform)
        return waveform[None, ::160]


@pytest.fixture(scope="module")
def spoken() -> BrainStudy:
    return simulate_study(0, SPOKEN)


def material(config: Config, study: BrainStudy, listen: Ear | None = None) -> BrainMaterial:
    return brain_material(study, split_extents(study, 0), listen, config.windows, seed=0)


def test_each_extent_is_heard_by_itself_and_only_training_gives_the_scale(
    spoken: BrainStudy,
) -> None:
    ear, sound = Ear(), spoken.sounds["story-0"]
    assert isinstance(sound, Audio)
    made = material(tiny_config(), spoken, ear)
    used = [made.extents[number] for number in sorted(made.tracks)]
    for extent, heard in zip(used, ear.heard, strict=True):
        first, last = (round(each * 16_000) for each in (extent.start_s, extent.stop_s))
        assert np.array_equal(heard.numpy(), sound.waveform[first:last])
    raw = np.concatenate(
        [h.numpy()[::160] for e, h in zip(used, ear.heard, strict=True) if e.split == "train"]
    )
    assert made.mean == pytest.approx(raw.mean(), abs=1e-6)
    assert made.std == pytest.approx(raw.std(), rel=1e-5)
    train = [t.values for n, t in made.tracks.items() if made.extents[n].split == "train"]
    assert np.concatenate(train, 1).std() == pytest.approx(1.0, rel=1e-4)
    assert {made.extents[w.extent].split for w in made.test} == {"test"}


def test_scores_are_those_of_every_window_with_every_segment(spoken: BrainStudy) -> None:
    """One by one, through a speech side that learns along."""
    made = material(tiny_config(), spoken, Ear())
    sizes = brain_decoding.sizes_for(tiny_config(), made)
    sizes = replace(sizes, dim=4, deep_mel=DeepMelConfig(1, 8, 2, 4))
    torch.manual_seed(0)
    model = BrainModule(sizes).eval()
    batches = made.batches(made.test[:9], subjects=spoken.subjects, batch_size=4)
    scores, own = score_windows(model, batches)
    first = {}
    for window in batches.windows:
        first.setdefault(batches.segments[window.segment], window)
    for i in range(9):
        batch = batches.batch(np.array([i]))
        assert own[i] == batch.segment.item()
        with torch.no_grad():
            z = model(batch.brain, batch.positions, batch.subject, batch.padding)[0]
            for j, window in first.items():
                y = model.hear(torch.from_numpy(batches.speech(window))[None])[0]
                assert scores[i, j] == pytest.approx(float((z * y).sum() / y.norm()), abs=1e-4)


def test_figures_of_a_model_that_knows_are_all_right_and_its_subjects_are_told_apart() -> None:
    """A stand-in that gives back the speech of the first subject alone, and noise for others."""
    config = tiny_config()
    study = simulate_study(0, replace(config.toy, n_sensors=2))
    made = material(config, study)
    batches = made.batches(made.test, subjects=study.subjects, batch_size=64)
    answers = iter(list(batches.once()))

    class Oracle(BrainModule):
        def forward(self, brain: Tensor, *rest: Tensor) -> Tensor:
            batch = next(answers)
            assert torch.equal(batch.brain, brain)
            known = (batch.subject == 0)[:, None, None]
            return torch.where(known, 100.0 * batch.speech, torch.randn_like(batch.speech))

    oracle = Oracle(brain_decoding.sizes_for(config, made))
    values = decoding_figures(oracle, batches)
    assert values["first_top1"] == 1.0
    assert values["top1"] == pytest.approx(1 / 3, abs=0.05)
    assert values["n_candidates"] == len(batches.segments)
    assert values["chance_top5"] == 5 / len(batches.segments)


def test_what_is_missing_is_named(spoken: BrainStudy, tmp_path: Path) -> None:
    [extent, *_] = split_extents(spoken, 0)
    with pytest.raises(EarShotError, match=r"speech\.kind=deep_mel"):
        hear_extent(spoken, extent, None)
    taught = tiny_speech_config("frozen").speech.taught
    assert taught is not None
    with pytest.raises(EarShotError, match=r"speech\.safetensors"):
        taught_speech(taught, tmp_path)
