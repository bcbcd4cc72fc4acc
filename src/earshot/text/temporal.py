"""Two events in one caption: which came first, or that they sound at once."""

from __future__ import annotations

from earshot.core.errors import EarShotError
from earshot.text.prompts import PLAIN, fill_prompt

AND = "{first} and {second}"
BEFORE = "{first} before {second}"
AFTER = "{second} after {first}"  # the same in other words
WHILE = "{first} while {second}"
UNSEEN = {  # ways to say "before" that no training here uses
    "then": "{first} then {second}",
    "followed_by": "{first} followed by {second}",
}


def relate(template: str, first: str, second: str, prompt: str = PLAIN) -> str:
    """The two labels in `template`, as a caption within `prompt`; underscores become spaces."""
    if "{first}" not in template or "{second}" not in template:
        raise EarShotError(
            got=f"the template {template!r}",
            expected="{first} and {second} in it",
            mend=f"Write it like {BEFORE!r}.",
        )
    names = {"first": plain(first), "second": plain(second)}
    return fill_prompt(prompt, template.format(**names))


def plain(label: str) -> str:
    """The label in words: "dog_bark" -> "dog bark"."""
    return " ".join(label.replace("_", " ").split())
