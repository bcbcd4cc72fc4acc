"""Captions that repeat what is said in a sound, where they should say that somebody speaks."""

from __future__ import annotations

import re

VERB = r"(?:say|ask|shout|yell|scream|whisper|repl|answer|announc|exclaim|declar|tell|utter|cr)"
ENDINGS = r"(?:s|es|ies|ied|ed|ing|ying)?"
TOLD = re.compile(rf"\b(?:{VERB}{ENDINGS}|said|told)\b", re.IGNORECASE)
QUOTED = re.compile(r'["\u201c\u201e\u00ab]([^"\u201d\u201c\u00bb]{3,})["\u201d\u201c\u00bb]')
COLON = re.compile(  # after a comma a capital letter has to tell speech from another clause
    rf"\b(?:{VERB}{ENDINGS}|said|told)\s*(?::\s*['\u2018]?\w+|,\s*['\u2018]?[A-Z]\w*)(?:\W+\w+){{2,}}"
)
SAID_THAT = re.compile(
    rf"\b(?:{VERB}{ENDINGS}|said|told)(?:\s+\w+){{0,2}}\s+that\s+"
    r"(?:i|you|we|he|she|they|it|there|this|the)\b[^.]{8,}",
    re.IGNORECASE,
)
FIRST_PERSON = re.compile(
    r"\b(?:I'm|I am|I'll|I've|I don't|I think|let me|you're going to|thank you for)\b"
)


def leaked_speech(caption: str) -> str | None:
    """The words that seem to be what somebody said in the sound; None where there are none.

    Found by their form: two words or more in quotation marks, or after a verb of saying and a
    colon or comma; "says that he ..."; a speaker's own "I am". Words that are repeated without
    any of these stay unseen, and a quoted title is taken for speech.
    """
    for found in QUOTED.finditer(caption):
        if len(found[1].split()) >= 2:
            return found[1].strip()
    for pattern in (COLON, SAID_THAT, FIRST_PERSON):
        if (said := pattern.search(caption)) is not None:
            return said[0]
    return None
