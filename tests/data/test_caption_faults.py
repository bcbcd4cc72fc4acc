from __future__ import annotations

import pytest

from earshot.data.caption_faults import caption_faults


@pytest.mark.parametrize(
    ("caption", "kind", "word"),
    [
        ("", "empty_caption", "no text"),
        (" \n\t", "empty_caption", "no text"),
        ("a dog barks " * 9_000, "long_caption", "108,000 characters"),
        ("a dog\x07 barks", "control_character", "U+0007"),
        ("a dog\nbarks", "control_character", "U+000A"),
        ("Dog barking [0.87]", "caption_leak", "brackets and a score"),
        ("Speech (98 %) and rain", "caption_leak", "a percentage"),
        ("The label is dog bark", "caption_leak", "the word label"),
        ("A sound of /m/09x0r", "caption_leak", "a class id"),
        ("dog_bark and rain", "caption_leak", "an underscore"),
        ("See https://example.org", "caption_leak", "a link"),
        ("As an AI, I cannot hear", "caption_leak", "a chatbot"),
        ("Caption: a dog barks", "caption_leak", "a field name"),
    ],
)
def test_each_fault_is_named_with_its_mend(caption: str, kind: str, word: str) -> None:
    (fault,) = caption_faults(caption)
    assert fault.kind == kind
    assert word in fault.got
    assert fault.mend


def test_all_faults_of_a_caption_are_listed() -> None:
    found = caption_faults("[label]\x00" + "x" * 1_000)
    assert [f.kind for f in found] == ["long_caption", "control_character", "caption_leak"]


@pytest.mark.parametrize(
    "caption",
    [
        "A man speaks, then a dog barks twice (far away).",
        "Ein Höhlenhund bellt; 2 Katzen miauen!",
        "У собаки громкий лай",
        "狗在叫",
        "A 1.5 kHz tone, 0.5 s long, at 3:30 o'clock & 50-60 Hz hum",
    ],
)
def test_plain_captions_in_any_language_are_fine(caption: str) -> None:
    assert not caption_faults(caption)
