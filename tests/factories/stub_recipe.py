"""A recipe of one's own, as `earshot factory run --recipe PACKAGE.MODULE` takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earshot.factories.factory import Factory
from earshot.llm.config import LlmConfig
from factories.stub_stages import Note, Score, Write


@dataclass(frozen=True)
class NoteSettings:
    """Of the first stage."""

    rejects: float = 0.1


@dataclass(frozen=True)
class Settings:
    """All of it."""

    note: NoteSettings = NoteSettings()
    broken: str | None = None
    llm: LlmConfig | None = None
    llm_cache: str = ""


def factory(settings: Settings) -> Factory:
    """The stages."""
    broken = None if settings.broken is None else Path(settings.broken)
    return Factory("stub", [Note(settings.note.rejects), Write(), Score(broken)], settings)
