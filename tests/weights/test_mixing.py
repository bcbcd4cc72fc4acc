"""The material that the shipped model is taught: shares, orders and phrases are what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.core.seed import generator
from earshot.synth import SOUNDS
from mixing import Mixer, added, equaliser
from phrases import HELD_OUT, TAUGHT, THEN, UNSEEN
from scenery import Scenery
from sounds import Sound, phrases_of

N_MELS = 10


def sound(concept: str, origin: str, band: int, n_frames: int = 60) -> Sound:
    """A sound in one band alone, 60 dB above the rest."""
    log_mel = np.full((N_MELS, n_frames), -90.0, np.float16)
    log_mel[band] = -30.0
    return Sound(concept, origin, f"{concept} {band}", 0, (log_mel,))


@pytest.fixture(scope="module")
def mixer() -> Mixer:
    sounds = [
        sound("rain", "esc10", 1), sound("flute", "instruments", 3), sound("owl", "synth", 5),
        sound("says two", "digits", 6),
        *(sound(kind, "synth", 5) for kind in SOUNDS if kind not in ("rain", "flute", "owl")),
    ]  # fmt: skip
    scenes = [Scenery(np.full((N_MELS, 95), -40.0, np.float16), ("owl", "cow"), ())] * 3
    return Mixer(sounds, scenes)


def test_shares_sum_to_one_and_name_at_most_two_concepts(mixer: Mixer) -> None:
    mixes = mixer.mixes(generator(0, "test"), 64, 100, mix_share=0.5)
    assert torch.allclose(mixes.shares.sum(1), torch.ones(64))
    counts = (mixes.shares > 0).sum(1)
    assert set(counts.tolist()) == {1, 2}
    assert mixes.log_mel.shape == (64, N_MELS, 100)
    assert ((mixes.n_frames >= 1) & (mixes.n_frames <= 100)).all()


def test_the_larger_share_is_the_louder_sound(mixer: Mixer) -> None:
    mixes = mixer.mixes(generator(1, "test"), 2_500, 60, mix_share=1.0)
    rain, flute = mixer.place["rain"], mixer.place["flute"]
    both = (mixes.shares[:, rain] > 0.15) & (mixes.shares[:, flute] > 0.15)
    level = mixes.log_mel[both].amax(2)  # [mixes, bands], above what is masked
    louder = level[:, 1] > level[:, 3]
    clear = (mixes.shares[both][:, rain] - mixes.shares[both][:, flute]).abs() > 0.5
    assert clear.sum() >= 5
    wanted = mixes.shares[both][:, rain] > mixes.shares[both][:, flute]
    assert (louder == wanted)[clear].float().mean() > 0.8


def test_the_same_step_is_drawn_whenever_it_is_asked_for(mixer: Mixer) -> None:
    first, again = (mixer.scenes(generator(7, "test"), 6, 100) for _ in range(2))
    assert first.captions == again.captions
    assert torch.equal(first.log_mel, again.log_mel)


def test_a_wrong_caption_turns_the_order_of_the_right_one(mixer: Mixer) -> None:
    scenes = mixer.scenes(generator(2, "test"), 40, 100)
    ordered = scenes.order[:, 0] >= 0
    assert 0.5 < ordered.float().mean() < 1.0
    assert torch.equal(scenes.order[ordered], scenes.order_told[ordered])
    assert torch.equal(scenes.order_wrong[ordered], scenes.order[ordered].flip(1))
    for row in torch.where(ordered)[0].tolist():
        told, wrong = scenes.captions[row], scenes.wrong[row]
        assert told != wrong
        assert sorted(told.replace(",", "").split()) == sorted(wrong.replace(",", "").split())


def test_no_held_out_phrase_is_taught() -> None:
    taught = {phrase.lower() for phrases in TAUGHT.values() for phrase in phrases}
    assert not taught & UNSEEN
    for concept in {*TAUGHT, *SOUNDS}:
        phrases = phrases_of(concept)
        assert phrases
        assert not {phrase.lower() for phrase in phrases} & UNSEEN
    assert {len(phrases) for phrases in HELD_OUT.values()} == {4}
    assert HELD_OUT.keys() == TAUGHT.keys()


def test_every_order_template_names_both() -> None:
    for template in THEN:
        told = template.format(a="rain", b="wind")
        assert "rain" in told
        assert "wind" in told


def test_powers_add_and_the_equaliser_is_smooth() -> None:
    total = added(np.ones((2, 3)), np.ones((2, 5)))
    np.testing.assert_array_equal(total, [[2, 2, 2, 1, 1]] * 2)
    gains_db = 10 * np.log10(equaliser(generator(0, "eq"), 64))
    assert np.abs(np.diff(gains_db, 2)).max() < np.ptp(gains_db)
