import math

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.caption_events import EventReader, event_counts, event_figures

KINDS = {"dog_bark": ["a dog barking", "barks"], "bell": ["church bell"], "rain": []}


@pytest.fixture(scope="module")
def reader() -> EventReader:
    return EventReader(KINDS)


@pytest.mark.parametrize(
    ("caption", "events"),
    [
        ("A dog barks, then a bell rings", ["dog_bark", "bell"]),
        ("the church bell follows a barking dog", ["dog_bark", "bell"]),
        ("a bell after a dog is barking", ["dog_bark", "bell"]),
        ("a bell preceded by a dog barking", ["dog_bark", "bell"]),
        ("after a dog barks, a bell rings", ["dog_bark", "bell"]),
        ("a dog barks before a bell rings", ["dog_bark", "bell"]),
        ("before a bell rings, a dog barks", ["dog_bark", "bell"]),
        ("a dog barks, after which a bell rings", ["dog_bark", "bell"]),
        ("a dog barks, and after that a bell", ["dog_bark", "bell"]),
        ("a dog barks followed by a bell", ["dog_bark", "bell"]),
        ("a dog barks and barks while it rains", ["dog_bark", "rain"]),
        ("silence", []),
        ("", []),
    ],
)
def test_events_come_in_the_order_in_which_they_sound(reader, caption, events) -> None:
    assert reader.events(caption) == events


def test_figures_of_three_captions_by_hand(reader) -> None:
    captions = ["a dog barks, then a bell", "a bell, then a dog barks", "rain"]
    gold = [["dog_bark", "bell"], ["dog_bark", "bell"], ["bell"]]
    assert event_figures(captions, gold, reader) == pytest.approx(
        {
            "event_precision": 4 / 5,
            "event_recall": 4 / 5,
            "event_f1": 4 / 5,
            "hallucination_rate": 1 / 3,
            "order_accuracy": 1 / 2,
        }
    )


def test_sounds_at_once_have_no_order(reader) -> None:
    at_once = [
        {"kind": "dog_bark", "onset_s": 0.0, "offset_s": 2.0},
        {"kind": "bell", "onset_s": 1.0, "offset_s": 3.0},
    ]
    figures = event_figures(["a bell while a dog barks"], [at_once], reader)
    assert figures["event_f1"] == 1
    assert math.isnan(figures["order_accuracy"])


def test_gold_may_use_any_name_of_a_kind(reader) -> None:
    assert event_figures(["a dog barking"], [["barks"]], reader)["event_f1"] == 1


def test_nothing_told_and_nothing_there(reader) -> None:
    figures = event_figures(["silence"], [[]], reader)
    assert (figures["event_f1"], figures["hallucination_rate"]) == (0, 0)


def test_weights_are_draws(reader) -> None:
    captions = ["a dog barks", "rain"]
    gold = [["dog_bark"], ["bell"]]
    drawn = event_counts(captions, gold, reader).figures(np.array([3.0, 0.0]))
    assert drawn["event_f1"] == 1


def test_the_shipped_names_of_some_kinds() -> None:
    reader = EventReader.of(["rain", "church_bell", "no such sound"])
    assert reader.events("a downpour and no such sound at all") == ["rain", "no such sound"]
    assert reader.events("a dog barks") == []


def test_a_caption_a_clip(reader) -> None:
    with pytest.raises(EarShotError, match="1 captions and the sounds of 2 clips"):
        event_figures(["rain"], [["rain"], ["bell"]], reader)


def test_an_event_needs_its_times(reader) -> None:
    with pytest.raises(EarShotError, match="onset_s"):
        event_figures(["rain"], [[{"kind": "rain"}]], reader)


def test_a_reader_needs_kinds() -> None:
    with pytest.raises(EarShotError, match="no kinds"):
        EventReader({})
