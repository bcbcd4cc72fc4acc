from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.text.event_order import StrongLabel, event_clause, ordered_events, weave
from earshot.text.lexicon import audioset_lexicon


def test_events_by_their_first_onset() -> None:
    labels = [
        StrongLabel("Dog", 3, 4), StrongLabel("Speech", 0, 2), StrongLabel("Dog", 1, 1.5),
        StrongLabel("Music", 0, 10),
    ]  # fmt: skip
    assert ordered_events(labels) == ["Music", "Speech", "Dog"]


def test_one_sentence_in_order_without_times() -> None:
    assert weave(["Dog"]) == "A dog is barking."
    assert weave(["Rain", "Dog"]) == "Rain is falling, followed by a dog barking."
    assert weave(["Music", "Male speech, man speaking", "Dog"]) == (
        "Music is playing, followed by a man speaking and then a dog barking."
    )
    assert weave([]) is None


def test_every_class_of_audioset_can_be_told() -> None:
    names = [sound.name for sound in audioset_lexicon().sounds]
    told = [event_clause(name) for name in names]
    assert all(told)
    assert sum(" is " in clause or " are " in clause for clause in told) == len(names)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["Dog", "Rain", "Bell"]), st.floats(0, 9)), max_size=8))
def test_order_does_not_depend_on_the_list_s(rows: list[tuple[str, float]]) -> None:
    labels = [StrongLabel(name, onset, onset + 1) for name, onset in rows]
    assert ordered_events(labels) == ordered_events(labels[::-1])


@pytest.mark.parametrize(("onset", "offset"), [(2, 1), (float("nan"), 1), (0, float("inf"))])
def test_times_that_are_none_are_refused(onset: float, offset: float) -> None:
    with pytest.raises(EarShotError, match="'Dog' from"):
        StrongLabel("Dog", onset, offset)
