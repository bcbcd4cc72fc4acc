from __future__ import annotations

import pytest

from earshot.text.web_entities import find_entities, without_entities


def kinds(text: str) -> dict[str, str]:
    return {entity.text: entity.kind for entity in find_entities(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog barks in Berlin", {"Berlin": "place"}),
        ("taped with a Zoom H4n by Branvester", {"Zoom": "device", "H4n": "device",
                                                 "Branvester": "name"}),
        ("a tascam and a sennheiser", {"tascam": "device", "sennheiser": "device"}),
        ("on 12 October, a Monday", {"12": "number", "October": "date", "Monday": "date"}),
        ("at 48 kHz in stereo", {"48": "number", "kHz": "number", "stereo": "setting"}),
        ("two dogs", {"two": "number"}),
        ("look at www.foo.com", {"www.foo.com": "address"}),
        ("waves near New Haven", {"Haven": "place"}),
        ("thanks to anna", {"anna": "name"}),
    ],
)  # fmt: skip
def test_what_a_caption_must_not_hold(text: str, expected: dict[str, str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    "caption",
    [
        "A camera zooms while a blue jay sings.",  # words of gear in their plain sense
        "A turkey is gobbling.",
        "People march and a woman says hello.",
        "Someone is walking on gravel.",
        "The Wind Is Blowing Hard",  # all in capitals: they mean nothing
    ],
)
def test_plain_captions_have_none(caption: str) -> None:
    assert kinds(caption) == {}


def test_without() -> None:
    assert without_entities("the 3 dogs of Berlin bark") == "the dogs bark"
    assert without_entities("") == ""
