"""The sound of an item, as much of it as stages listen to."""

from __future__ import annotations

from earshot.audio import Audio, AudioError, read_audio
from earshot.engines.urls import fetch
from earshot.factories.item import Item

MAX_S = 60.0  # of a clip: what is listened to


def read_sound(item: Item, sample_rate: int, max_s: float = MAX_S) -> Audio:
    """At most `max_s` seconds of the item's sound, from a file or a URL.

    Raises AudioError with the reason where there is none, or none that can be used.
    """
    if item.audio is None:
        raise AudioError(
            got=f"the clip {item.id!r} without a sound",
            expected="a file or a URL",
            mend="Name one, or leave out the stages that listen.",
        )
    length = max_s if item.duration_s is None else min(item.duration_s, max_s)
    source = fetch(item.audio) if isinstance(item.audio, str) else item.audio
    return read_audio(source, sample_rate=sample_rate, start_s=item.start_s, duration_s=length)
