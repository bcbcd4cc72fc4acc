from __future__ import annotations

import torch
import torch.nn.functional as F

from earshot.metrics.caption_events import EventReader
from earshot.models.gap_bridge import GapBridge, Offset, mean_gap
from earshot.models.hard_prompts import TextBank
from earshot.training.caption_worth import ESC10, gap_figures, worth
from shared_data import shared_data


def test_the_right_captions_are_worth_more() -> None:
    reader = EventReader({"dog": (), "rain": ()})
    told = [["a dog barks", "the dog barks"], ["rain falls", "rain pours"]]
    gold = [["dog"], ["rain"]]
    right = worth(["a dog barks", "rain falls"], told, gold, reader)
    wrong = worth(["rain falls", "a dog barks"], told, gold, reader)
    assert right["cider_d"] > 1 > wrong["cider_d"]
    assert (right["event_f1"], wrong["event_f1"]) == (1, 0)
    assert (right["hallucination_rate"], wrong["hallucination_rate"]) == (0, 1)


def test_a_gap_is_measured_before_and_after() -> None:
    texts = F.normalize(torch.randn(50, 8) * 0.2 + torch.eye(8)[0])
    sounds = F.normalize(torch.randn(40, 8) * 0.2 + torch.eye(8)[1])
    corpus = TextBank(tuple(map(str, range(50))), texts)
    still = gap_figures(corpus, GapBridge(), sounds, 0)
    assert still["gap_before"] == still["gap_after"] > 1
    assert gap_figures(corpus, Offset(mean_gap(texts, sounds)), sounds, 0)["gap_after"] < 0.5
    assert gap_figures(corpus, GapBridge(), None, 0) == {}


def test_every_label_of_the_recordings_is_told_by_words() -> None:
    from earshot.data import open_clips

    assert set(open_clips(shared_data("esc10")).labels) == set(ESC10)
    reader = EventReader(ESC10)
    said = "a cock crows as an infant cries, then someone sneezes and chainsaws drown the clock"
    assert reader.events(said) == [
        "rooster", "baby cry", "person sneeze", "chainsaw", "clock tick",
    ]  # fmt: skip
