from __future__ import annotations

import pytest

from earshot.core.errors import EarShotError
from earshot.text.temporal import AFTER, BEFORE, UNSEEN, WHILE, relate


def test_after_says_what_before_says() -> None:
    assert relate(BEFORE, "dog_bark", "rain") == "dog bark before rain"
    assert relate(AFTER, "dog_bark", "rain") == "rain after dog bark"
    assert relate(WHILE, "dog", "rain", "This is a sound of {label}.") == (
        "This is a sound of dog while rain."
    )
    assert relate(UNSEEN["followed_by"], "dog", "rain") == "dog followed by rain"


def test_labels_with_braces_are_labels_and_templates_are_checked() -> None:
    assert relate(BEFORE, "{second}", "{label}") == "{second} before {label}"
    with pytest.raises(EarShotError, match="Write it like"):
        relate("{first} before it", "dog", "rain")
