from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.phone_speech import (
    MELODIES,
    SAMPLE_RATE,
    SAMPLES_A_FRAME,
    Channel,
    PhoneInventory,
    PhoneLanguage,
    PhoneSpeechConfig,
    PhoneUtterance,
    make_speakers,
    phone_name,
)

QUIET = PhoneSpeechConfig(noise_db=60.0, spread=0.0)


def language(seed: int = 0, config: PhoneSpeechConfig = QUIET, n_phones: int = 24) -> PhoneLanguage:
    return PhoneLanguage(PhoneInventory(0, n_phones), seed, config=config)


def bands(said: PhoneUtterance, edges_hz: tuple[float, ...]) -> np.ndarray:
    """Power of each frame of 10 ms between the edges, [frames, bands]."""
    frames = said.waveform.reshape(-1, SAMPLES_A_FRAME)
    power = np.abs(np.fft.rfft(frames * np.hanning(SAMPLES_A_FRAME), 512)) ** 2
    hz = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    pairs = zip(edges_hz, edges_hz[1:], strict=False)
    return np.stack([power[:, (hz >= low) & (hz < high)].sum(1) for low, high in pairs], 1)


def test_labels_say_where_each_phone_is() -> None:
    """Power lies where the phone of that frame has it: vowels below, hisses in their own band."""
    spoken, right = language(), []
    for said in spoken.utterances(12, "train"):
        assert len(said.waveform) == SAMPLES_A_FRAME * len(said.frame_phones)
        runs = np.flatnonzero(np.diff(said.frame_phones)) + 1
        assert tuple(said.frame_phones[[0, *runs]]) == said.phones
        holds = np.diff([0, *runs, len(said.frame_phones)])
        assert ((holds >= 6) & (holds <= 14)).all()
        power = bands(said, (0.0, 1_000.0, 2_200.0, 4_000.0, 8_000.0))
        inside = (
            np.r_[False, np.diff(said.frame_phones) == 0]
            & np.r_[np.diff(said.frame_phones) == 0, False]
        )
        for frame in np.flatnonzero(inside):
            sound = spoken.inventory.sounds[said.frame_phones[frame]]
            if spoken.inventory.is_vowel[said.frame_phones[frame]]:
                right.append(power[frame].argmax() <= 1)
            elif sound.noisy and not sound.burst and not sound.voiced and sound.noise_hz[0] > 2_500:
                right.append(power[frame].argmax() >= 2)
    assert len(right) > 300
    assert np.mean(right) > 0.97


def test_phones_at_any_time_are_those_of_the_frames() -> None:
    said = language().utterance("train", 0)
    times = np.arange(len(said.frame_phones)) * 0.01
    assert np.array_equal(said.phones_at(times), said.frame_phones)
    assert np.array_equal(said.phones_at(times + 0.005), said.frame_phones)
    assert said.phones_at(np.array([-1.0]))[0] == said.phones[0]
    assert said.phones_at(np.array([99.0]))[0] == said.phones[-1]


def test_an_utterance_depends_on_its_number_alone() -> None:
    spoken = language(config=PhoneSpeechConfig())
    one, two = spoken.utterances(4, "train")[3], spoken.utterance("train", 3)
    assert np.array_equal(one.waveform, two.waveform)
    assert (one.phones, one.speaker, one.melody) == (two.phones, two.speaker, two.melody)
    assert one.waveform.dtype == np.float32
    assert np.abs(one.waveform).max() <= 1
    for other in (spoken.utterance("test", 3), language(1).utterance("train", 3)):
        assert other.phones != one.phones


def test_sentences_follow_the_phonotactics() -> None:
    spoken = language()
    assert np.allclose(spoken.follows.sum(1), 1)
    assert ((spoken.follows > 0).sum(1) == 6).all()
    assert not spoken.follows.diagonal().any()
    for said in spoken.utterances(20, "train"):
        assert 8 <= len(said.phones) <= 14
        for one, two in zip(said.phones, said.phones[1:], strict=False):
            assert spoken.follows[one, two] > 0


def test_a_variety_shares_phones_and_their_order() -> None:
    inventory = PhoneInventory(0, 24)
    target = PhoneLanguage(inventory, 3, inventory.choose(16, 3), QUIET)
    near = target.related(0.875, 5)
    shared = set(target.phones) & set(near.phones)
    assert (len(near.phones), len(set(near.phones)), len(shared)) == (16, 16, 14)
    assert all(near.phones[i] == p for i, p in enumerate(target.phones) if p in shared)
    assert np.array_equal(near.follows, target.follows)
    assert near.speakers != target.speakers
    assert not np.array_equal(PhoneLanguage(inventory, 5, near.phones).follows, target.follows)
    chosen = inventory.choose(10, 9, known=target.phones, share=0.7)
    assert len(set(chosen) & set(target.phones)) == 7
    assert len(set(chosen)) == 10


def test_melodies_move_the_pitch_as_they_say() -> None:
    """The loudness goes with the pitch, so it tells the same."""
    spoken = language(config=replace(QUIET, shortest=14, n_speakers=1))
    ends: dict[str, list[float]] = {name: [] for name in MELODIES}
    for said in spoken.utterances(120, "train"):
        frames = said.waveform.reshape(-1, SAMPLES_A_FRAME)
        vowel = spoken.inventory.is_vowel[said.frame_phones]
        loud = 10 * np.log10((frames**2).mean(1) + 1e-9)
        half = np.arange(len(frames)) < len(frames) / 2
        ends[MELODIES[said.melody]].append(loud[vowel & ~half].mean() - loud[vowel & half].mean())
    means = {name: np.nanmean(values) for name, values in ends.items()}
    assert means["rise"] > means["level"] + 1 > means["fall"] + 2


def test_speakers_go_from_low_to_high_and_can_be_chosen() -> None:
    speakers = make_speakers(1, 5)
    assert [s.pitch_hz for s in speakers] == sorted(s.pitch_hz for s in speakers)
    assert speakers[-1].size > speakers[0].size
    spoken = language()
    assert {s.speaker for s in spoken.utterances(40, "train")} == set(range(6))
    assert {s.speaker for s in spoken.utterances(10, "train", speakers=(1, 4))} == {1, 4}


def test_a_channel_takes_the_highs_and_adds_hiss() -> None:
    spoken = language()
    clean = spoken.utterance("train", 0)
    worn = spoken.utterance("train", 0, channel=Channel(high_hz=2_000.0, hiss_db=30.0))
    assert np.array_equal(clean.frame_phones, worn.frame_phones)
    edges = (0.0, 2_500.0, 8_000.0)
    high = {name: bands(each, edges).mean(0) for name, each in (("a", clean), ("b", worn))}
    assert high["b"][1] / high["b"][0] < 0.2 * high["a"][1] / high["a"][0]
    noisy = spoken.utterance("train", 0, channel=Channel(hiss_db=0.0))
    assert bands(noisy, edges)[:, 1].min() > 10 * bands(worn, edges)[:, 1].min()


def test_a_clip_carries_what_is_known() -> None:
    said = language().utterance("train", 0)
    clip = said.clip("test")
    assert clip.captions[0].split() == [phone_name(each) for each in said.phones]
    assert (clip.split, clip.id) == ("test", "train-0")
    assert clip.extra["transcript"] == clip.captions[0]
    assert np.array_equal(clip.read().waveform, said.waveform)


def test_what_no_language_has_is_refused() -> None:
    for wrong in ({"shortest": 9, "longest": 8}, {"least_s": 0.0}, {"n_speakers": 0}):
        with pytest.raises(EarShotError, match="ranges that rise"):
            PhoneSpeechConfig(**wrong)
    inventory = PhoneInventory(0, 8)
    with pytest.raises(EarShotError, match="4 to 64"):
        PhoneInventory(0, 3)
    with pytest.raises(EarShotError, match="fewer followers than phones"):
        PhoneLanguage(inventory, 0, (0, 1, 2))
    with pytest.raises(EarShotError, match="no more others"):
        PhoneLanguage(inventory, 0).related(0.5, 1)
    with pytest.raises(EarShotError, match="no more than there are"):
        inventory.choose(6, 0, known=(0, 1), share=0.5)
