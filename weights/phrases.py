"""What people call the sounds that the shipped model is taught: many phrasings a class.

TAUGHT is read in training; HELD_OUT never is, and measures how free text lands.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_ALL = json.loads(Path(__file__).with_name("phrases.json").read_text("utf-8"))
TAUGHT: dict[str, list[str]] = _ALL["taught"]
HELD_OUT: dict[str, list[str]] = _ALL["held_out"]  # four a class
UNSEEN = {phrase.lower() for phrases in HELD_OUT.values() for phrase in phrases}

TEMPLATES = (
    "{}", "{}", "{}", "{}", "the sound of {}", "this is a sound of {}.", "this is the sound of {}",
    "{} can be heard", "a recording of {}", "i hear {}", "you can hear {}", "{} in the background",
    "audio of {}", "{} nearby", "{} in the distance", "sound: {}", "a sound of {}.",
)  # fmt: skip

THEN = (
    "{a} then {b}", "{a}, then {b}", "{a} followed by {b}", "first {a}, then {b}", "{b} after {a}",
    "{a} before {b}", "{a} and then {b}", "after {a}, {b}", "{a}, after that {b}",
    "{a} and afterwards {b}", "before {b}, {a}", "{b} preceded by {a}", "{b} comes after {a}",
    "{a} is followed by {b}",
)  # fmt: skip
WHILE = (
    "{a} while {b}", "{a} and {b} at the same time", "{a} with {b} in the background",
    "{a} during {b}", "{a} together with {b}", "{a} over {b}", "{a} as {b}", "{a} and {b}",
)  # fmt: skip

_LEADING = re.compile(r"^(a|an|the) ")


def fill(template: str, phrase: str) -> str:
    """`phrase` in `template`, in lower case, without a doubled article."""
    return template.format(phrase).lower()


def bare(phrase: str) -> str:
    """`phrase` without its leading article."""
    return _LEADING.sub("", phrase)
