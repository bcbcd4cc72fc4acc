"""From labels to sentences that a text tower was taught to read."""

from __future__ import annotations

from collections.abc import Sequence

from earshot.core.errors import EarShotError

SOUND = "This is a sound of {label}."  # arXiv:2211.06687
MUSIC = "This is a {label} song."  # arXiv:2211.06687, for GTZAN
MICROSOFT = "this is the sound of {label}"  # arXiv:2206.04769
PLAIN = "{label}"


def fill_prompt(template: str, label: str) -> str:
    """`template` with {label} filled in; underscores of class names become spaces."""
    if "{label}" not in template:
        raise EarShotError(
            got=f"the prompt {template!r}",
            expected="{label} somewhere in it",
            mend=f"Write it like {SOUND!r}.",
        )
    return template.replace("{label}", " ".join(label.replace("_", " ").split()))


def fill_prompts(template: str, labels: Sequence[str]) -> list[str]:
    """One sentence a label."""
    return [fill_prompt(template, label) for label in labels]
