"""Letters to rough phonemes: enough for speech-like sound in any script, not for reading aloud."""

from __future__ import annotations

import unicodedata

VOWELS = {"a": "a", "e": "e", "i": "i", "o": "o", "u": "u", "y": "i"}
PAIRS = {
    "sh": ("S",), "ch": ("t", "S"), "th": ("T",), "ph": ("f",), "ng": ("N",), "ck": ("k",),
    "ee": ("i",), "ea": ("i",), "oo": ("u",), "ou": ("a", "u"), "ai": ("e", "i"), "ay": ("e", "i"),
    "qu": ("k", "w"), "wh": ("w",),
}  # fmt: skip
LETTERS = {
    "b": ("b",), "c": ("k",), "d": ("d",), "f": ("f",), "g": ("g",), "h": ("h",), "j": ("Z",),
    "k": ("k",), "l": ("l",), "m": ("m",), "n": ("n",), "p": ("p",), "q": ("k",), "r": ("r",),
    "s": ("s",), "t": ("t",), "v": ("v",), "w": ("w",), "x": ("k", "s"), "z": ("z",),
    **{letter: (sound,) for letter, sound in VOWELS.items()},
}  # fmt: skip
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FOREIGN_ONSETS, FOREIGN_NUCLEI = "ptkbdgmnlrsf", "aeiou"
PAUSE = " "


def phonemes_of(text: str) -> list[str]:
    """The text as symbols of the formant voice, " " for a pause.

    Accents are dropped; a letter of another script becomes a syllable of its own, always the
    same; digits are read one by one.
    """
    plain = "".join(
        f" {DIGITS[int(unicodedata.digit(c))]} " if c.isdigit() else c
        for c in unicodedata.normalize("NFKD", text.lower())
        if not unicodedata.combining(c)
    )
    sounds: list[str] = []
    place = 0
    while place < len(plain):
        pair, letter = plain[place : place + 2], plain[place]
        if pair in PAIRS:
            sounds += PAIRS[pair]
            place += 2
            continue
        if letter in LETTERS:
            mute = letter == "e" and len(sounds) > 2 and not plain[place + 1 : place + 2].isalpha()
            double = place > 0 and plain[place - 1] == letter
            sounds += () if mute or double else LETTERS[letter]
        elif letter.isalpha():
            sounds += _syllable(ord(letter))
        elif sounds and sounds[-1] != PAUSE:
            sounds.append(PAUSE)
        place += 1
    return sounds[:-1] if sounds and sounds[-1] == PAUSE else sounds


def _syllable(code: int) -> tuple[str, str]:
    """A consonant and a vowel that belong to one letter of a script that we cannot read."""
    onset = FOREIGN_ONSETS[code % len(FOREIGN_ONSETS)]
    return onset, FOREIGN_NUCLEI[code // len(FOREIGN_ONSETS) % len(FOREIGN_NUCLEI)]
