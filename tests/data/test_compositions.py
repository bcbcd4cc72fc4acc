from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data import Clip, ClipSet
from earshot.data.compositions import (
    CompositionConfig,
    compose,
    compose_distinct,
    draw_expression,
    render,
    shares_of,
)
from earshot.data.segments import Segments
from earshot.text.expression import events, holds, normal_form, parse
from tone_clips import RATE, heard, tone_clips

FEW = settings(deadline=None, derandomize=True, max_examples=40)
WITHIN = CompositionConfig(n_events=(0.2, 0.4, 0.2, 0.2), clip_s=1.0)


def segments(longest_s: float = 1.0, split: str = "train") -> Segments:
    return Segments(tone_clips().split(split), sample_rate=RATE, longest_s=longest_s)


def test_a_clip_sounds_as_its_expression_says() -> None:
    sounds = segments()
    for text, first, last in (
        ("dog + cat", {"dog"}, {"cat"}),
        ("cat + dog", {"cat"}, {"dog"}),
        ("dog * cat", {"dog", "cat"}, {"dog", "cat"}),
        ("(dog * bell) + rain", {"dog", "bell"}, {"rain"}),
        ("(dog + bell) * rain", {"dog", "rain"}, {"bell", "rain"}),
    ):
        waveform = render(parse(text), sounds, WITHIN, generator(0, text))
        assert len(waveform) == RATE
        assert heard(waveform[: RATE // 4]) == first, text
        assert heard(waveform[-RATE // 4 :]) == last, text


def test_captions_are_of_the_clip_and_share_their_words() -> None:
    sounds = segments()
    for number in range(60):
        made = compose(sounds, WITHIN, generator(1, number))
        assert np.abs(made.waveform).max() == pytest.approx(0.5)
        eighths = [heard(made.waveform[i : i + 1_000]) for i in range(0, RATE, 1_000)]
        assert set(made.labels) == set().union(*eighths)
        assert not {made.caption, *made.positives} & set(made.negatives)
        if len(made.labels) == 1:
            assert made.caption == made.labels[0]
            assert made.positives == made.negatives == ()
            continue
        assert made.negatives
        words = set(made.caption.split())
        if len(made.labels) == 2 and holds(made.expression, parse(" + ".join(made.labels))):
            one, two = made.labels
            middle = made.caption.removeprefix(one).removesuffix(two)
            assert f"{two}{middle}{one}" in made.negatives
            assert set(made.positives) == {one, two}
            assert words - {one, two} == set(middle.split())


def test_shares_and_lengths_are_as_configured() -> None:
    sounds = segments(2.0)
    config = CompositionConfig(n_events=(0.0, 0.3, 0.6, 0.1), segment_s=(0.5, 0.8))
    made = [compose(sounds, config, generator(2, number)) for number in range(400)]
    counts = np.bincount([len(each.labels) for each in made], minlength=5)[1:] / len(made)
    np.testing.assert_allclose(counts, [0.0, 0.3, 0.6, 0.1], atol=0.07)
    single = CompositionConfig(n_events=(1.0,), segment_s=(0.5, 0.8))
    lengths = [len(compose(sounds, single, generator(3, n)).waveform) / RATE for n in range(100)]
    assert 0.5 <= min(lengths) < 0.53
    assert 0.77 < max(lengths) <= 0.8
    assert all(len(set(each.labels)) == len(each.labels) for each in made)
    limits = CompositionConfig(n_events=(0, 0, 0, 1), max_positives=1, max_negatives=2, clip_s=1.0)
    deep = compose(sounds, limits, generator(4))
    assert (len(deep.positives), len(deep.negatives)) == (1, 2)


@FEW
@given(n_samples=st.integers(2_000, 200_000), share=st.floats(0.2, 0.8))
def test_two_sounds_fade_into_the_wanted_length(n_samples: int, share: float) -> None:
    first, second = shares_of(n_samples, share)
    assert first + second - round(0.1 * min(first, second)) == pytest.approx(n_samples, abs=1)
    assert first / (first + second) == pytest.approx(share, abs=0.03)


@FEW
@given(n_events=st.integers(1, 6), seed=st.integers(0, 999))
def test_drawn_trees_have_the_events_asked_for(n_events: int, seed: int) -> None:
    labels = ["a", "b", "c", "d"]
    found = events(draw_expression(n_events, labels, generator(seed)))
    assert len(found) == n_events
    assert set(found) <= set(labels)
    if n_events <= 4:
        assert len(set(found)) == n_events


def test_a_test_of_retrieval_has_no_two_alike() -> None:
    config = CompositionConfig(n_events=(0.0, 1.0), clip_s=0.5)
    made = compose_distinct(100, segments(), config, 0)
    assert len(made) == 4 * 3 + 4 * 3 / 2  # every order of two, every pair at once
    assert len({normal_form(each.expression) for each in made}) == len(made)


def test_short_clips_come_whole_or_are_repeated() -> None:
    sound = Audio(np.linspace(-1, 1, 100, dtype=np.float32), RATE)
    sounds = Segments([Clip(sound, labels=("a",))], sample_rate=RATE, longest_s=1.0)
    np.testing.assert_array_equal(sounds.draw("a", 250, generator(0)), sound.waveform)
    filled = sounds.draw("a", 250, generator(0), fill=True)
    np.testing.assert_array_equal(filled, np.tile(sound.waveform, 3)[:250])


def test_of_long_clips_the_loudest_of_the_drawn_cuts_is_taken() -> None:
    waveform = np.zeros(RATE, np.float32)
    waveform[-RATE // 4 :] = 0.5
    clip = Clip(Audio(waveform, RATE), labels=("a",))
    sounds = Segments([clip], sample_rate=RATE, longest_s=1.0)
    drawn = [sounds.draw("a", RATE // 4, generator(seed)).any() for seed in range(200)]
    assert np.mean(drawn) > 1 - (2 / 3) ** 3 - 0.1  # one cut alone misses it two times in three


def test_a_clip_that_cannot_be_read_is_listed_and_replaced(tmp_path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    clips = [Clip(bad, labels=("dog",)), *tone_clips().split("train")]
    sounds = Segments(ClipSet(clips), sample_rate=RATE, longest_s=1.0)
    for seed in range(40):
        assert heard(sounds.draw("dog", RATE, generator(seed))) == {"dog"}
    assert [fault.clip for fault in sounds.failures] == [str(bad)]
    alone = Segments(clips[:1], sample_rate=RATE, longest_s=1.0)
    with pytest.raises(EarShotError, match="none of which can be read"):
        alone.draw("dog", RATE, generator(0))


def test_faults_say_what_to_do() -> None:
    for changes in (
        {"n_events": ()},
        {"n_events": (0.0, 0.0)},
        {"n_events": (math.nan,)},
        {"segment_s": (2.0, 1.0)},
        {"clip_s": 0.0},
        {"max_negatives": -1},
        {"n_distinct": 0},
    ):
        with pytest.raises(EarShotError, match="Change that field"):
            CompositionConfig(**changes)
    unlabelled = [Clip(Audio(np.zeros(10, np.float32), RATE), id="a")]
    with pytest.raises(EarShotError, match="Name the column of labels"):
        Segments(unlabelled, sample_rate=RATE, longest_s=1.0)
