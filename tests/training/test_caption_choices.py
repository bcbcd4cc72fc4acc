from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.audio import Audio
from earshot.data import Clip
from earshot.decoders.decoding import Candidate
from earshot.metrics.caption_events import EventReader
from earshot.training.caption_choices import ByWidth, Judged, choice_figures, chosen

READER = EventReader({"dog": ("dog",), "bell": ("bell",), "rain": ("rain",)})
PLACE = {"dog": 0, "bell": 1, "rain": 2}


def read(texts: list[str]) -> torch.Tensor:
    rows = torch.zeros(len(texts), 3)
    for row, text in zip(rows, texts, strict=True):
        row[[PLACE[kind] for kind in READER.events(text)]] = 1.0
    return rows


def clip(*kinds: str) -> Clip:
    caption = " and ".join(f"a {kind}" for kind in kinds)
    silence = Audio(np.zeros(10, np.float32), 16_000)
    return Clip(silence, captions=(caption,), extra={"events": list(kinds)})


def written() -> list[ByWidth]:
    def by(clip: Clip, greedy: str, **beams: tuple[str, float]) -> ByWidth:
        said = {int(width[1:]): Candidate(*each) for width, each in beams.items()}
        return ByWidth(clip, Candidate(greedy, -1.0), said)

    return [
        by(clip("dog"), "a bell", w2=("a bell", -0.1), w4=("rain", -0.2), w8=("a dog", -0.3)),
        by(clip("bell", "rain"), "rain", w2=("a dog", -0.3), w4=("a bell and rain", -0.2),
           w8=("rain", -0.1)),
    ]  # fmt: skip


AUDIO = torch.tensor([[1.0, 0.1, 0.0], [0.0, 0.9, 0.2]])  # the second sounds more like a bell


def test_each_way_takes_what_it_says() -> None:
    judge = Judged(AUDIO, read)
    found = chosen(written(), judge, worth=lambda each, one: float("dog" in one.text))
    assert found == {
        "greedy": ["a bell", "rain"],
        "beam": ["rain", "a bell and rain"],  # of width 4
        "sure": ["a bell", "rain"],
        "refine": ["a dog", "a bell and rain"],
        "oracle": ["a dog", "a dog"],
    }
    assert "refine" not in chosen(written(), None)


def test_figures_are_of_each_way() -> None:
    figures = choice_figures(written(), Judged(AUDIO, read), READER)
    assert figures["different"] == 3.0
    assert figures["refine_event_f1"] == 1.0
    assert figures["oracle_event_f1"] == 1.0
    assert figures["sure_event_f1"] == pytest.approx(2 * 1 / (2 + 3))
    assert figures["greedy_vocabulary"] == 3  # a, bell, rain
    cosines = (1 / 1.01**0.5, (0.9 + 0.2) / (2 * (0.81 + 0.04)) ** 0.5)
    assert figures["refine_clap"] == pytest.approx(sum(cosines) / 2, abs=1e-6)
    bare = choice_figures(written(), None, None)
    assert {name.split("_")[0] for name in bare} == {"different", "greedy", "beam", "sure"}
    assert "sure_event_f1" not in bare
