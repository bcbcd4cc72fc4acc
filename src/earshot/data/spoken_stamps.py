"""Spoken and written descriptions of things in several languages, with their English captions."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet


def spoken_stamps(folder: Path, languages: Sequence[str]) -> ClipSet:
    """A clip for each description that is spoken in one of `languages`: the set `stamps`.

    `captions` holds the English caption, `extra` transcript and language; clips of one caption are
    one group.
    """
    clips = []
    for row in _rows(folder):
        for language in languages:
            path = folder / "speech" / language / f"{row['id']}.ogg"
            transcript = row.get(f"text_{language}", "")
            if transcript and row["caption"] and path.is_file():
                clips.append(
                    Clip(
                        path,
                        captions=(row["caption"],),
                        id=f"{language}/{row['id']}",
                        group=row["caption"],
                        extra={"transcript": transcript, "language": language},
                    )
                )
    if not clips:
        raise EarShotError(
            got=f"no speech in {', '.join(languages)} below {folder}",
            expected="speech/LANGUAGE/ID.ogg for rows of manifest.csv",
            mend="Name languages that the set has.",
        )
    return ClipSet(clips, name="stamps")


def written_stamps(folder: Path) -> list[tuple[str, str, str]]:
    """(language, text, English caption) of every description in another language, in order."""
    return [
        (name.removeprefix("text_"), text, row["caption"])
        for row in _rows(folder)
        for name, text in row.items()
        if name.startswith("text_") and name != "text_en" and text and row["caption"]
    ]


def held_out_captions(captions: Sequence[str], share: float, seed: int) -> set[str]:
    """A share of the different captions, drawn by `seed`: whose speech is for testing."""
    different = sorted(set(captions))
    n = max(1, round(share * len(different)))
    order = generator(seed, "held-out captions").permutation(len(different))
    return {different[int(i)] for i in order[:n]}


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
