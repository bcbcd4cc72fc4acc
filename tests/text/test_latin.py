from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.text.latin import KEPT, has_other_letters, latin_letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Гальштук-матылька.", "galštuk matylka"),
        ("Палова Ўзгорка, Йод", "palova wzgorka jod"),
        ("Бобёр щука цирк хлеб", "bobjor ščuka tsirk hleb"),
        ("Αμύγδαλο, μπλε ουρανός", "amigdalo ble uranos"),
        ("El Niño ¿qué?", "el ninjo que"),
        ("Două roșii, o lecție", "doua rošii o lektsie".replace("k", "c")),
        ("L’œillet d'Inde", "leillet dinde"),
        ("čšž ČŠŽ", "čšž čšž"),
        ("c\u030carka", "čarka"),  # an accent that stands alone
    ],
)
def test_letters_are_what_they_sound_like(text: str, expected: str) -> None:
    assert latin_letters(text) == expected
    assert not has_other_letters(text)


def test_digits_and_unknown_scripts_are_told() -> None:
    assert latin_letters("5 цента 日本") == "tsenta"
    assert has_other_letters("5 цента")
    assert has_other_letters("日本")
    assert not has_other_letters("!? —")


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(max_size=40))
def test_nothing_but_the_inventory_comes_out_and_twice_is_once(text: str) -> None:
    written = latin_letters(text)
    assert set(written) <= KEPT | {" "}
    assert latin_letters(written) == written
    assert written == " ".join(written.split())
