from __future__ import annotations

import pytest

from earshot.core.errors import EarShotError
from earshot.text.prompts import MICROSOFT, SOUND, fill_prompt, fill_prompts


def test_labels_become_sentences() -> None:
    assert fill_prompt(SOUND, "dog_bark") == "This is a sound of dog bark."
    assert fill_prompt(MICROSOFT, "church  bells ") == "this is the sound of church bells"
    assert fill_prompts("{label}", ["a", "b_c"]) == ["a", "b c"]


def test_braces_in_a_label_are_only_text() -> None:
    assert fill_prompt(SOUND, "{x}") == "This is a sound of {x}."


def test_a_template_without_a_place_is_refused() -> None:
    with pytest.raises(EarShotError, match="{label}"):
        fill_prompt("This is a sound.", "dog")
