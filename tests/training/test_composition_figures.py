from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.data.compositions import CompositionConfig, compose_distinct
from earshot.data.segments import Segments
from earshot.data.twins import draw_twins
from earshot.models.embedder import ClipEmbedding
from earshot.training.composition_figures import composition_retrieval, twin_figures
from tone_clips import PITCHES, RATE, heard, tone_clips


class Ears:
    """Hears which tones the first and the last quarter of a clip hold, or without order both."""

    sample_rate = RATE

    def __init__(self, hears_order: bool) -> None:
        self.hears_order = hears_order

    def row(self, first: set[str], last: set[str]) -> np.ndarray:
        sides = [[label in side for label in PITCHES] for side in (first, last)]
        if not self.hears_order:
            sides = [np.maximum(*sides), np.maximum(*sides)]
        row = np.concatenate([*sides, [0.1]]).astype(np.float32)
        return row / np.linalg.norm(row)

    def embed_audio(self, source: Audio) -> ClipEmbedding:
        quarter = len(source.waveform) // 4
        row = self.row(heard(source.waveform[:quarter]), heard(source.waveform[-quarter:]))
        return ClipEmbedding(row[None], np.zeros(1), np.ones(1))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self.read(text.split()) for text in texts])

    def read(self, words: list[str]) -> np.ndarray:
        in_turn = {"followed", "ends", "before", "later", "then", "proceeded", "succeeded"}
        at_once = len(words) > 1 and not in_turn & set(words)  # "ends with" is of those in turn
        both = {words[0], words[-1]}
        return self.row(both, both) if at_once else self.row({words[0]}, {words[-1]})


@pytest.fixture(scope="module")
def sounds() -> Segments:
    return Segments(tone_clips().split("test"), sample_rate=RATE, longest_s=1.0)


def test_who_hears_order_solves_every_pair_and_who_does_not_none(sounds: Segments) -> None:
    pairs = draw_twins(20, sounds, CompositionConfig(clip_s=1.0), 0)
    assert set(twin_figures(Ears(True), pairs).values()) == {1.0}
    assert set(twin_figures(Ears(False), pairs).values()) == {0.0}


def test_whole_clips_are_found_by_their_captions(sounds: Segments) -> None:
    config = CompositionConfig(n_events=(0.0, 1.0), clip_s=1.0)
    clips = compose_distinct(18, sounds, config, 0)
    figures = composition_retrieval(Ears(True), clips)
    assert figures["t2a_r1"] == figures["a2t_r5"] == 1.0
    assert figures["r5_chance"] == pytest.approx(5 / len(clips))
    deaf = composition_retrieval(Ears(False), clips)
    assert deaf["t2a_r1"] < 0.5
