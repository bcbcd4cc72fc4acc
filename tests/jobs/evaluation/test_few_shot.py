from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.evaluation import few_shot
from earshot.jobs.evaluation.few_shot import measure_few_shot
from jobs.evaluation.heard import Words, blobs, heard_of

LABELS = ("bell", "cat", "dog")
MODEL = Words(LABELS, 8)


def test_more_examples_name_better_and_words_help() -> None:
    result = measure_few_shot(blobs(LABELS, noise=0.5), MODEL, examples=(1, 8), n_draws=60)
    figures = result.metrics
    assert figures["1-shot"] < figures["8-shot"]
    assert figures["1-shot"] < figures["1-shot with text"]
    assert figures["1-shot, text alone"] == pytest.approx(figures["8-shot, text alone"], abs=0.05)
    low, high = result.intervals["1-shot"]
    assert low < figures["1-shot"] < high
    narrow = result.intervals["8-shot"]
    assert narrow[1] - narrow[0] < high - low


def test_words_of_no_weight_change_nothing() -> None:
    result = measure_few_shot(blobs(LABELS), MODEL, examples=[2], n_draws=10, text_weight=0.0)
    assert result.metrics["2-shot with text"] == result.metrics["2-shot"]


def test_clips_of_an_examples_recording_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = blobs(LABELS, n_recordings=5, clips_each=3)
    draw, seen = few_shot._draw, []
    monkeypatch.setattr(few_shot, "_draw", lambda *given: seen.append(draw(*given)) or seen[-1])
    measure_few_shot(heard, MODEL, examples=[2], n_draws=5)
    for chosen, rest in seen:
        assert chosen.shape == (3, 2)
        assert not set(heard.groups[chosen.ravel()]) & set(heard.groups[rest])
        assert len(rest) == 3 * 3 * 3
        assert len(set(heard.groups[chosen.ravel()])) == 6  # as many recordings as examples


def test_the_examples_asked_for_are_the_usual_ones_that_fit() -> None:
    assert measure_few_shot(blobs(LABELS), MODEL, n_draws=2).details["examples"] == [1, 2, 4, 8]


def test_vectors_without_the_signal_give_chance() -> None:
    heard = blobs(LABELS, n_recordings=40, clips_each=1)
    noise = np.random.default_rng(1).normal(size=heard.sounds.shape)
    result = measure_few_shot(heard_of(heard.clips, noise), MODEL, examples=[8], n_draws=40)
    assert result.metrics["8-shot"] == pytest.approx(1 / 3, abs=0.06)


def test_faults_say_what_to_do() -> None:
    heard = blobs(LABELS, n_recordings=4)
    with pytest.raises(EarShotError, match="'bell' has 4 recordings, for 4 examples"):
        measure_few_shot(heard, MODEL, examples=[4])
    with pytest.raises(EarShotError, match="'bell' has 1 recordings, for no example to spare"):
        measure_few_shot(blobs(LABELS, n_recordings=1), MODEL)
    with pytest.raises(EarShotError, match="at least one draw"):
        measure_few_shot(heard, MODEL, n_draws=0)
    both = [replace(heard.clips[0], labels=LABELS), *heard.clips[1:]]
    with pytest.raises(EarShotError, match="Evaluate probe"):
        measure_few_shot(replace(heard, clips=both), MODEL)
