from __future__ import annotations

import pytest

from earshot.core.errors import EarShotError
from earshot.text.web_check import CheckSettings, fault_of


@pytest.mark.parametrize(
    ("caption", "word"),
    [
        ("Failure.", "failure"),
        ("", "failure"),
        ("N/A", "failure"),
        ("A dog.", "too_short"),
        ("A dog barks " + "and barks " * 15, "too_long"),
        ("A dog barks in Paris.", "entity"),
        ("Three dogs are barking.", "entity"),
        ("[A dog barks loudly]", "malformed"),
        ('{"caption": "a dog barks"}', "malformed"),
        ("A dog barks. A cat meows. A cow moos.", "malformed"),
        ("Here is a caption of a dog.", "talk"),
        ("As an AI I cannot hear it.", "talk"),
        ("A porn star is moaning.", "sensitive"),
    ],
)
def test_faults_by_name(caption: str, word: str) -> None:
    found = fault_of(caption)
    assert found is not None
    assert found[0] == word


def test_sound_captions_pass() -> None:
    for caption in ("A dog is barking.", "Rain is falling while a woman speaks."):
        assert fault_of(caption) is None
    assert fault_of("Two dogs are barking.", CheckSettings(allow_numbers=True)) is None


def test_settings_that_leave_nothing_are_refused() -> None:
    with pytest.raises(EarShotError, match="least_words=9"):
        CheckSettings(least_words=9, most_words=3)
