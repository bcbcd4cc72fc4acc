"""A clip: some sound, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from earshot.audio import Audio


@dataclass(frozen=True)
class StoredAudio:
    """Sound inside another file (a tar shard, a table): its encoded bytes, read when asked for."""

    name: str  # for people: shard-000.tar/dog.flac
    read: Callable[[], bytes] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Clip:
    """Some sound with captions, labels, split and source.

    `start_s` and `duration_s` cut an excerpt out of the file; a `duration_s` of None goes to its
    end. `group` names what the sound was cut from: clips of one group never part when a set is
    split. `extra` keeps the manifest's other columns.
    """

    audio: Path | Audio | StoredAudio
    captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    split: str | None = None
    id: str = ""  # the audio's path or name when left out
    start_s: float = 0.0
    duration_s: float | None = None
    group: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, hash=False)
    file: str = field(default="", compare=False, repr=False)  # the table that the clip is from
    lines: tuple[int, ...] = field(default=(), compare=False, repr=False)  # one for each caption

    def __post_init__(self) -> None:
        if not self.id:
            name = self.audio if isinstance(self.audio, Path) else getattr(self.audio, "name", "")
            object.__setattr__(self, "id", str(name))

    @property
    def known_duration_s(self) -> float | None:
        """Seconds of sound as far as the manifest or the waveform says; nothing is opened."""
        if self.duration_s is not None:
            return self.duration_s
        whole = getattr(self.audio, "duration_s", None)  # an Audio in memory
        if whole is None:
            whole = self.extra.get("duration_s", self.extra.get("duration"))
        try:
            return max(0.0, float(whole) - self.start_s) if whole not in (None, "") else None
        except (TypeError, ValueError):
            return None

    def read(
        self,
        *,
        sample_rate: int | None = None,
        offset_s: float = 0.0,
        duration_s: float | None = None,
    ) -> Audio:
        """The clip's sound, or the part of it from `offset_s` on; only that part is decoded.

        Raises AudioError, with the reason, when the sound cannot be used.
        """
        from earshot.audio import read_audio

        source = self.audio.read() if isinstance(self.audio, StoredAudio) else self.audio
        if self.duration_s is not None:
            rest = max(0.0, self.duration_s - offset_s)
            duration_s = rest if duration_s is None else min(rest, duration_s)
        return read_audio(
            source,
            sample_rate=sample_rate,
            start_s=self.start_s + offset_s,
            duration_s=duration_s,
        )

    def measure_s(self) -> float | None:
        """Seconds of sound by the file's header; None where only decoding would tell."""
        from earshot.audio import probe_audio

        if self.duration_s is not None:
            return self.duration_s
        if not isinstance(self.audio, Path | StoredAudio):
            return self.known_duration_s
        source = self.audio.read() if isinstance(self.audio, StoredAudio) else self.audio
        whole = probe_audio(source).duration_s
        return None if whole is None else max(0.0, whole - self.start_s)
