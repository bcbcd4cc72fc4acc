from __future__ import annotations

import pytest

from earshot.text.spelling import spoken_letters


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Une perruche d'Adélaïde.", "une perruche dadélaïde"),
        ("Самка павлина — альбинос.", "самка павлина альбинос"),
        ("An albino (a\tfemale peafowl, or peacock).", "an albino a female peafowl or peacock"),
        ("ﬁve  5½, 3²", "five 5 1 2 3 2"),
        ("...", ""),
    ],
)  # fmt: skip
def test_letters_stay_and_the_rest_goes(text: str, spoken: str) -> None:
    assert spoken_letters(text) == spoken
    assert spoken_letters(spoken) == spoken
