from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.data import Clip
from earshot.training.evaluation import Heard, hear, retrieval_figures, zero_shot_figures

WORDS = ("dog", "cat", "rain", "bell")


def read(texts) -> np.ndarray:
    """One axis a word."""
    return np.array([[word in text for word in WORDS] for text in texts], np.float32)


def heard(*labels: str) -> Heard:
    clips = [
        Clip(Audio(np.zeros(8, np.float32), 8_000), (f"a {label} here",), (label,))
        for label in labels
    ]
    return Heard(read(labels), clips)


def test_zero_shot_among_all_and_among_the_unseen() -> None:
    found = heard("dog", "cat", "rain", "bell", "bell")
    swapped = Heard(found.embeddings[[0, 2, 1, 3, 4]], found.clips)  # cat and rain mistaken
    figures = zero_shot_figures(read, swapped, WORDS, {"dog", "cat"}, lambda label: f"a {label}")
    assert figures["zero_shot"] == pytest.approx(3 / 5)
    assert figures["zero_shot_unseen"] == pytest.approx(2 / 3)  # rain, bell, bell
    assert figures["zero_shot_chance"] == 1 / 4


def test_labels_all_known_have_no_unseen_figure() -> None:
    figures = zero_shot_figures(read, heard("dog", "cat"), WORDS, set(WORDS), str)
    assert set(figures) == {"zero_shot", "zero_shot_chance"}


def test_retrieval_of_the_right_clips() -> None:
    figures = retrieval_figures(read, heard("dog", "cat", "rain"))
    assert figures["t2a_r1"] == figures["a2t_r1"] == 1.0
    assert figures["r1_chance"] == pytest.approx(1 / 3)
    wrong = Heard(
        np.roll(heard("dog", "cat", "rain").embeddings, 1, axis=0), heard(*WORDS[:3]).clips
    )
    assert retrieval_figures(read, wrong)["t2a_r1"] == 0.0


def test_a_clip_that_cannot_be_read_is_told_and_left_out(tmp_path) -> None:
    @dataclass
    class Rows:
        windows: np.ndarray

        @property
        def mean(self) -> np.ndarray:
            return self.windows.mean(0)

    class Listener:
        sample_rate = 8_000

        def embed_audio(self, source: Audio) -> Rows:
            return Rows(np.ones((2 if source.duration_s > 1 else 1, 4), np.float32))

    long = Clip(Audio(np.ones(16_000, np.float32), 8_000), id="long")
    short = Clip(Audio(np.ones(4_000, np.float32), 8_000), id="short")
    found = hear(Listener(), [long, Clip(tmp_path / "gone.wav", id="gone"), short])
    assert [clip.id for clip in found.clips] == ["long", "short"]
    assert found.n_long == 1
    assert len(found.faults) == 1
    assert found.faults[0].startswith("gone:")
