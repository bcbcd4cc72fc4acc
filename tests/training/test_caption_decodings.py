from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from earshot.audio import Audio
from earshot.data import Clip
from earshot.decoders.decoding import Candidate
from earshot.metrics.caption_events import EventReader
from earshot.models.caption_sentences import CaptionSentences
from earshot.training.caption_decodings import Written, chosen, decoding_figures, encoder_auc

KINDS = {"dog": ("dog", "barks"), "rain": ("rain",), "bell": ("bell",)}
READER = EventReader(KINDS)


def one_hot(texts: list[str]) -> Tensor:
    """Sentences by the sounds they name."""
    return torch.tensor([[1e-3, *(float(kind in text) for kind in KINDS)] for text in texts])


SENTENCES = CaptionSentences("one-hot", one_hot)


def written(own: tuple[str, ...], row: list[float], drawn: list[tuple[str, float]]) -> Written:
    events = [
        {"kind": kind, "onset_s": float(i), "offset_s": i + 0.5}
        for i, kind in enumerate(k for k in KINDS if k in own[0])
    ]
    clip = Clip(
        Audio(np.zeros(1, np.float32), 8_000), captions=own, id=own[0],
        labels=tuple(event["kind"] for event in events), extra={"events": events},
    )  # fmt: skip
    candidates = [Candidate(*each) for each in drawn]
    return Written(clip, Candidate("a bell", -0.1), candidates, torch.tensor(row))


CLIPS = [
    written(("a dog and rain",), [0.0, 1.0, 1.0, 0.0],
            [("a bell", -0.1), ("a dog", -0.2), ("rain and a dog", -2.0)]),
    written(("a bell",), [0.0, 0.0, 0.0, 1.0],
            [("", -0.01), ("rain", -0.1), ("a bell", -0.3)]),
]  # fmt: skip


def test_each_way_takes_what_it_says() -> None:
    found = chosen(CLIPS, SENTENCES, worth=lambda one, candidate: -len(candidate.text))
    assert found["beam"] == ["a bell", "a bell"]
    assert found["decoder"] == ["a bell", "rain"]  # nothing said is taken where there is no other
    assert found["encoder"] == ["rain and a dog", "a bell"]
    assert found["hybrid"] == ["a dog", "a bell"]  # 0.7 * 0.71 - 0.06 above 0.7 - 0.6
    assert found["oracle"] == ["a dog", "rain"]
    fluent = chosen(CLIPS, SENTENCES, accept=lambda text: "dog" not in text)
    assert fluent["hybrid"][0] == "a bell"
    assert fluent["encoder"][0] == "rain and a dog"
    assert "oracle" not in fluent
    none = chosen(CLIPS, SENTENCES, accept=lambda text: False)
    assert none["hybrid"] == found["hybrid"]


def test_figures_are_of_each_way_and_of_two_sounds_apart() -> None:
    figures = decoding_figures(CLIPS, SENTENCES, READER)
    assert figures["oracle_event_f1"] == 1.0
    assert figures["encoder_event_f1"] == 1.0
    assert figures["beam_event_f1"] == pytest.approx(2 * 1 / (2 + 3))
    assert figures["beam_two_event_f1"] == 0.0
    assert figures["hybrid_two_event_f1"] == pytest.approx(2 * 1 / 3)
    assert figures["encoder_order_accuracy"] == 0.0  # "rain and a dog"
    assert {"beam_cider_d", "hybrid_distinct_2"} <= figures.keys()
    unread = decoding_figures(CLIPS, SENTENCES, None)
    assert "beam_cider_d" in unread
    assert not any("event" in name or "oracle" in name for name in unread)


def test_the_head_s_area_is_one_where_it_knows_and_half_where_it_does_not() -> None:
    assert encoder_auc(CLIPS, SENTENCES) == 1.0
    lost = [Written(each.clip, each.beam, each.drawn, torch.ones(4)) for each in CLIPS]
    blind = [Written(each.clip, each.beam, each.drawn, torch.tensor([1.0, 0, 0, 0])) for each in
             CLIPS]  # fmt: skip
    assert 0 <= encoder_auc(lost, SENTENCES) < 1.0
    turned = [Written(a.clip, a.beam, a.drawn, b.row) for a, b in zip(CLIPS, CLIPS[::-1],
              strict=True)]  # fmt: skip
    assert encoder_auc(turned, SENTENCES) == 0.0
    assert encoder_auc(blind, SENTENCES) == pytest.approx(0.5, abs=0.01)
