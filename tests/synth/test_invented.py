from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.rewritten import COLUMN
from earshot.synth.invented import (
    NAMES,
    WORDS,
    InventedConfig,
    describe,
    invented_bank,
    invented_clips,
    invented_sounds,
    render_invented,
)
from earshot.synth.take import Take

SMALL = InventedConfig(n_seen=4, n_held_out=2, n_train=16, n_test=12)


def take(seed: int = 0, duration_s: float = 1.0) -> Take:
    return Take(generator(seed, "test"), 16_000, round(16_000 * duration_s))


def test_names_and_sounds_are_each_used_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    sounds = invented_sounds(3)
    config = InventedConfig()
    assert len(sounds) == len(set(sounds.values())) == config.n_classes == len(NAMES)
    assert sounds == invented_sounds(3) != invented_sounds(4)


@pytest.mark.parametrize("seed", range(5))
def test_every_word_of_a_held_out_sound_is_heard_in_training(seed: int) -> None:
    sounds, n = list(invented_sounds(seed).values()), InventedConfig().n_seen
    taught = Counter(word for sound in sounds[:n] for word in sound)
    assert all(taught[word] >= 2 for sound in sounds[n:] for word in sound)


def test_clips_name_sounds_and_rewrites_do_not() -> None:
    clips = invented_clips(0, SMALL)
    sounds = invented_sounds(0, SMALL)
    seen, held_out = list(sounds)[:4], set(list(sounds)[4:])
    assert {clip.labels[0] for clip in clips.split("train")} == set(seen)
    assert Counter(clip.labels[0] in held_out for clip in clips.split("test")) == {
        True: 6, False: 6,
    }  # fmt: skip
    for clip in clips:
        (caption,), (name,) = clip.captions, clip.labels
        assert caption.startswith(f"a {name} in a ")
        (told,) = clip.extra[COLUMN].values()
        assert len(told) == SMALL.n_rewrites
        scene = caption.rpartition(" ")[2]
        for text in told:
            assert scene in text
            assert not set(NAMES) & set(text.split())
            for word in filter(None, sounds[name]):
                assert any(each in text for each in WORDS[word])
        assert clip.audio.waveform.shape == (16_000,)
        assert np.abs(clip.audio.waveform).max() <= 0.5


def test_clips_are_the_seed_s() -> None:
    one, two = invented_clips(0, SMALL), invented_clips(0, SMALL)
    assert all(
        np.array_equal(a.audio.waveform, b.audio.waveform) for a, b in zip(one, two, strict=True)
    )
    assert not np.array_equal(one[0].audio.waveform, invented_clips(1, SMALL)[0].audio.waveform)


def test_the_bank_describes_every_class_without_its_name() -> None:
    bank = invented_bank(0, SMALL)
    assert bank.labels == tuple(invented_sounds(0, SMALL))
    for entry in bank.entries:
        assert len(entry.prompts) == SMALL.n_prompts
        assert not set(NAMES) & {word for text in entry.prompts for word in text.split()}


def centre_hz(waveform: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(waveform)) ** 2
    return float((power * np.fft.rfftfreq(len(waveform), 1 / 16_000)).sum() / power.sum())


@pytest.mark.parametrize("texture", ["tonal", "noisy", "rough"])
def test_pitch_is_heard(texture: str) -> None:
    low, mid, high = (
        centre_hz(render_invented((pitch, texture, "steady", None), take()))
        for pitch in ("low", "mid", "high")
    )
    assert 2 * low < mid
    assert 1.5 * mid < high


def beats(waveform: np.ndarray) -> float:
    """The strongest rate of the envelope, in Hz, from 1.5 on."""
    level = np.abs(waveform).reshape(-1, 160).mean(1)  # [10 ms steps]
    power = np.abs(np.fft.rfft(level - level.mean(), 4_096))
    rates = np.fft.rfftfreq(4_096, 0.01)
    return float(rates[np.where(rates > 1.5, power, 0).argmax()])


@pytest.mark.parametrize("envelope", ["pulsed", "decaying"])
def test_the_rate_is_heard(envelope: str) -> None:
    slow = beats(render_invented(("mid", "noisy", envelope, "slow"), take(duration_s=4)))
    fast = beats(render_invented(("mid", "noisy", envelope, "fast"), take(duration_s=4)))
    assert 2.3 < slow < 3.7
    assert 7.5 < fast < 11.5


def test_a_description_says_all_that_there_is() -> None:
    rng = generator(0, "words")
    text = describe(("low", "noisy", "steady", None), "hall", rng)
    assert "beats" not in text
    assert "hall" in text
    assert "beats" in describe(("low", "noisy", "pulsed", "slow"), "hall", rng)


@pytest.mark.parametrize("fields", [{"n_seen": 1}, {"n_held_out": 1}, {"n_seen": 40}])
def test_too_few_and_too_many_classes_are_refused(fields: dict) -> None:
    with pytest.raises(EarShotError, match="together at most"):
        InventedConfig(**fields)
