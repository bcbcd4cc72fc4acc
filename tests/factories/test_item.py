"""An item survives the trip to JSON and back, and tells what it came with."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.factories.item import QA, Item, Rejection

TEXT = st.text(max_size=12)
MAPPING = st.dictionaries(TEXT, TEXT, max_size=3)
ITEMS = st.builds(
    Item,
    id=TEXT,
    audio=st.one_of(st.none(), st.just(Path("a/b c.wav")), st.just("s3://bucket/a%20b.wav")),
    start_s=st.floats(0, 1e6),
    duration_s=st.one_of(st.none(), st.floats(0, 1e6)),
    labels=st.lists(TEXT, max_size=3).map(tuple),
    source=MAPPING,
    notes=MAPPING,
    caption=TEXT,
    scores=st.dictionaries(TEXT, st.floats(-1, 1), max_size=3),
    answers=st.lists(st.builds(QA, TEXT, TEXT), max_size=2).map(tuple),
    provenance=MAPPING,
    rejected=st.one_of(st.none(), st.builds(Rejection, TEXT, TEXT, TEXT, st.booleans())),
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(ITEMS)
def test_a_row_of_json_gives_the_item_back(item: Item) -> None:
    assert Item.from_row(json.loads(json.dumps(item.to_row()))) == item


def test_content_is_what_it_came_with_and_not_what_became_of_it() -> None:
    item = Item("a", Path("a.wav"), labels=("Dog",), source={"title": "A dog"})
    done = item.with_(notes={"events": "dog"}, caption="A dog barks.", scores={"clap_caption": 0.3})
    assert done.content == item.content
    others = [
        item.with_(id="b"),
        item.with_(audio=Path("b.wav")),
        item.with_(audio=None),
        item.with_(start_s=1.0),
        item.with_(duration_s=1.0),
        item.with_(labels=("Cat",)),
        item.with_(labels=()),
        item.with_(source={"title": "A cat"}),
        item.with_(source={"description": "A dog"}),
    ]
    assert len({item.content, *(other.content for other in others)}) == len(others) + 1


def test_a_verdict_is_told_from_a_fault_that_may_pass() -> None:
    item = Item("a")
    no = item.reject("gate", "below_label", "0.1 under the label's 0.2").rejected
    assert no == Rejection("gate", "below_label", "0.1 under the label's 0.2", failed=False)
    assert item.fail("write", "no_answer").rejected == Rejection("write", "no_answer", failed=True)
    assert item.rejected is None
