from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.text.web_writer import WebText, write_caption


@pytest.mark.parametrize(
    ("description", "caption"),
    [
        ("The sound of a small dog barking. Great for games!", "A small dog is barking."),
        ("Field recording of rain, taped with my Zoom H4n in Oslo.", "Rain is falling."),
        ("My daughter sneezing, thanks to Karl for asking.", "A girl is sneezing."),
        ("Glass being smashed by a hammer", "Glass is being smashed."),
        ("Inflating a balloon", "Someone is inflating a balloon."),
        ("Creaking door", "A door is creaking."),
        ("A car engine starts and then a horn honks twice.",
         "A car engine is starting, then a horn is honking twice."),
        ("A bell rings after a whistle blows", "A whistle is blowing, then a bell is ringing."),
        ("A woman sings while birds chirp", "A woman is singing while birds are chirping."),
        ("the rumble of an old tractor", "An old tractor is rumbling."),
        ("Doors: Wooden door opening, interior. 1974", "A wooden door is opening."),
        ("This is a stunning loop, 96 kHz, 24 bit. A cow moos.", "A cow is mooing."),
        ("The sound of a monsoon", "A monsoon sound is heard."),
        ("wood being sawn by my uncle in Kent", "Wood is being sawn."),
        ("<b>Frogs croak</b> at a pond", "Frogs are croaking at a pond."),
    ],
)  # fmt: skip
def test_what_can_be_heard_is_told(description: str, caption: str) -> None:
    title = description if "monsoon" in description else ""
    assert write_caption(WebText(title, description)) == caption


@pytest.mark.parametrize(
    ("title", "caption"),
    [
        ("Horn Honk", "A horn is honking."),
        ("Page Turn", "A page is turning."),
        ("Female Sigh", "A woman is sighing."),
        ("Cough", "Someone is coughing."),
        ("dog_bark_03.wav", "A dog is barking."),
        ("Laser Beep", "A laser is beeping."),
        ("Applause", "People are applauding."),
    ],
)
def test_titles_alone(title: str, caption: str) -> None:
    assert write_caption(WebText(title)) == caption


@pytest.mark.parametrize(
    "description",
    [
        "",
        "Recorded by Bob Smith with a Zoom H4n in Paris. Great quality, enjoy!",
        "96 kHz, 24 bit, stereo. Please credit John.",
        "Great sound for your movie!",
        "My first upload. Hope you like it. Thanks to Anna.",
        "Berlin, summer 2010",
        "Made with Ableton Live at 120 bpm",
        "???",
        "1234 5678",
    ],
)
def test_what_tells_nothing_has_no_caption(description: str) -> None:
    assert write_caption(WebText("", description)) is None


def test_tags_are_the_last_resort() -> None:
    tags = ("berlin", "zoom-h4n", "owl")
    assert write_caption(WebText("REC0017.wav", "Recorded with my new Tascam.", tags)) == (
        "An owl is hooting."
    )
    assert write_caption(WebText("", "A cow moos.", tags)) == "A cow is mooing."


SAID = """a the dog Berlin barks rain while 12 Zoom H4n recorded by Anna , . door and sound of great
for movies closing then www.x.com <b> ( khz two"""
WORDS = st.lists(st.sampled_from(SAID.split()), max_size=30)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(WORDS, st.text(max_size=40))
def test_a_caption_is_one_plain_sentence(words: list[str], title: str) -> None:
    caption = write_caption(WebText(title, " ".join(words)))
    if caption is not None:
        assert caption[0].isupper() or not caption[0].isalpha()
        assert caption.endswith(".")
        assert len(caption.split()) <= 20
        assert not {"berlin", "h4n", "anna", "12", "khz"} & set(caption[:-1].lower().split())


def test_long_and_strange_text_ends() -> None:
    assert write_caption(WebText("x" * 100_000, "and the sound of " * 6_000)) is None
    assert write_caption(WebText("", "\u72ac\u304c\u5420\u3048\u308b")) is None
