"""Blacklists: clips to leave out, such as those that stand in a test set elsewhere."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from earshot.core.errors import EarShotError
from earshot.core.files import is_file
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet


def without(clips: ClipSet, blacklist: Path) -> ClipSet:
    """The clips that a file does not list.

    A text file lists ids, paths or file names, one a line; # comments. A .json file holds ids by
    source, as WavCaps' lists do: see `SourceBlacklist`.
    """
    if not is_file(blacklist):
        raise EarShotError(
            got=f"{blacklist}, which is not a file",
            expected="a blacklist: ids or paths, one a line",
            mend="Correct the path.",
        )
    if blacklist.suffix.lower() == ".json":
        by_source = SourceBlacklist.read(blacklist)
        return clips.select(lambda clip: not by_source.lists(_source_of(clip), _ids(clip)))
    text = blacklist.read_bytes().decode("utf-8-sig", "surrogateescape")
    listed = {line.strip() for line in text.split("\n")}
    listed -= {line for line in listed if not line or line.startswith("#")}
    return clips.select(lambda clip: not listed & set(_names(clip, blacklist.parent)))


class SourceBlacklist:
    """Ids by source: {"AudioSet": [...], "FreeSound": [...]}.

    AudioCaps' ids are AudioSet's and Clotho's are Freesound's; a source that the file does not name
    has nothing listed, and a clip of no known source is looked for everywhere. An id counts with
    and without suffix, and a video's with and without the Y before it.
    """

    SAME = {"audiocaps": "audioset", "clotho": "freesound"}

    def __init__(self, ids: dict[str, set[str]]) -> None:
        self.ids = {source.lower(): listed for source, listed in ids.items()}

    @classmethod
    def read(cls, path: Path) -> SourceBlacklist:
        """Those of a JSON file. Raises EarShotError when it is none."""
        try:
            value = json.loads(path.read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as fault:
            raise EarShotError(
                got=f"{path}: {fault}", expected="JSON", mend="Download the list again."
            ) from fault
        good = isinstance(value, dict) and all(
            isinstance(ids, list) and all(isinstance(each, str | int) for each in ids)
            for ids in value.values()
        )
        if not good:
            raise EarShotError(
                got=f"{path}, which holds no lists of ids",
                expected='{"AudioSet": ["Y..."], "FreeSound": ["1234"]}',
                mend="Pass a blacklist of WavCaps.",
            )
        return cls(
            {name: {form for each in ids for form in _forms(str(each), name)}
             for name, ids in value.items()}
        )  # fmt: skip

    def lists(self, source: str, ids: list[str]) -> bool:
        """Whether any of a clip's ids stands in its source's list."""
        name = self.SAME.get(source.lower(), source.lower())
        lists = [self.ids.get(name, set())] if name else list(self.ids.values())
        forms = {form for each in ids for form in _forms(each, name)}
        return any(not forms.isdisjoint(listed) for listed in lists)

    def __len__(self) -> int:
        return sum(map(len, self.ids.values()))


def _forms(given: str, source: str) -> list[str]:
    """How an id may be written; one that begins with Y is never another's without it."""
    name = PurePosixPath(given.strip()).name
    plain = name.rsplit(".", 1)[0] if name.endswith((".wav", ".flac", ".mp3", ".ogg")) else name
    if source.lower() in ("audioset", "audiocaps") and len(plain) == 11:
        return [f"Y{plain}"]
    return [plain]


def _source_of(clip: Clip) -> str:
    """The source that a clip names."""
    told = clip.extra.get("source")
    return told if isinstance(told, str) else ""


def _ids(clip: Clip) -> list[str]:
    """A clip's id, alone and after its source, and its file's name."""
    names = [clip.id, clip.id.partition("/")[2]]
    if isinstance(clip.audio, Path):
        names.append(clip.audio.name)
    return [name for name in names if name]


def _names(clip: Clip, folder: Path) -> list[str]:
    """What a blacklist may call a clip."""
    names = [clip.id]
    if isinstance(clip.audio, Path):
        names += [str(clip.audio), clip.audio.name, clip.audio.stem]
        if clip.audio.is_relative_to(folder):
            names.append(str(clip.audio.relative_to(folder)))
    return names
