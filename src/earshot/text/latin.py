"""One Latin inventory for many languages: letters as they sound."""

from __future__ import annotations

import unicodedata

# what carries a contrast keeps a symbol of its own; of script, not of language
CYRILLIC = dict(
    zip(
        "абвгґдежзийклмнопрстуўфхчшыэіћђјљњџ",
        "abvggdežziiklmnoprstuwfhčšyeičđjljnž",
        strict=False,
    )
) | {
    "й": "j", "ц": "ts", "щ": "šč", "ъ": "a", "ь": "", "ё": "jo", "ю": "ju", "я": "ja",
    "є": "je", "ї": "ji", "љ": "lj", "њ": "nj", "џ": "dž", "ђ": "dž", "ћ": "č", "ј": "j",
}  # fmt: skip
GREEK = dict(zip("αβγδεζηικλμνοπρσςτυφχω", "avgdeziiklmnoprsstifho", strict=True)) | {
    "θ": "th", "ξ": "ks", "ψ": "ps",
}  # fmt: skip
GREEK_PAIRS = {
    "ου": "u", "αι": "e", "ει": "i", "οι": "i", "υι": "i", "αυ": "av", "ευ": "ev", "ηυ": "iv",
    "μπ": "b", "ντ": "d", "γκ": "g", "γγ": "ng", "τζ": "dz", "τσ": "ts",
}  # fmt: skip
LATIN = {
    "ñ": "nj", "ș": "š", "ş": "š", "ț": "ts", "ţ": "ts", "ß": "ss", "æ": "e", "œ": "e", "ø": "e",
    "ł": "w", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "č": "č", "š": "š", "ž": "ž",
}  # fmt: skip
KEPT = frozenset("abcdefghijklmnopqrstuvwxyzčšž")


def latin_letters(text: str) -> str:
    """Lower-case Latin letters a to z, č, š and ž, with single spaces between words.

    Cyrillic and Greek letters become what they sound like; other accents are dropped, and so are
    apostrophes. All else, digits and letters of other scripts among it, parts words as punctuation
    does: `has_other_letters` tells of them.
    """
    lower = unicodedata.normalize("NFC", text.lower())
    plain = "".join(_without_accent(each) for each in lower)
    for pair, sound in GREEK_PAIRS.items():
        plain = plain.replace(pair, sound)
    kept = []
    for character in plain:
        if character in "'’ʼ`´":
            continue
        sound = _sound(character)
        kept.append(sound if all(each in KEPT for each in sound) else " ")
    return " ".join("".join(kept).split())


def has_other_letters(text: str) -> bool:
    """Whether a text has digits, or letters that `latin_letters` does not know."""
    return any(
        unicodedata.category(each)[0] in "LN" and not set(_sound(_without_accent(each))) <= KEPT
        for each in unicodedata.normalize("NFC", text.lower())
    )


def _sound(character: str) -> str:
    for table in (CYRILLIC, GREEK, LATIN):
        if character in table:
            return table[character]
    return character


def _without_accent(character: str) -> str:
    """The letter alone, unless its accent makes another sound of it."""
    if character in LATIN or character in CYRILLIC:
        return character
    base = unicodedata.normalize("NFD", character)[:1]
    return base if unicodedata.category(character)[0] == "L" else character
