"""Sets that the `datasets` library saved to disk; decoded by EarShot, not by the library."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.data.clip import Clip, StoredAudio
from earshot.data.clip_set import ClipSet
from earshot.data.columns import Columns, FoundColumns, find_columns
from earshot.data.faults import LoadFault


def is_saved_set(folder: Path) -> bool:
    """Whether `save_to_disk` of the datasets library wrote this folder."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def read_saved_set(folder: Path, columns: Columns | None = None) -> ClipSet:
    """The clips of a saved Dataset, or of every split of a saved DatasetDict.

    Sounds stay in the set's files until they are asked for. Raises EarShotError when the datasets
    library is not installed or the set has no audio column.
    """
    try:
        import datasets
    except ImportError as fault:
        raise EarShotError(
            got=f"{folder}, a set saved by the datasets library, which is not installed",
            expected="the datasets library",
            mend="Install it: pip install 'earshot[data]'",
        ) from fault
    loaded = datasets.load_from_disk(str(folder))
    parts = loaded if isinstance(loaded, datasets.DatasetDict) else {None: loaded}
    faults: list[LoadFault] = []
    clips = [
        clip
        for split, part in parts.items()
        for clip in _clips(part, split, columns, folder, faults)
    ]
    return ClipSet(clips, name=folder.resolve().name, faults=faults)


def _clips(
    part: Any, split: str | None, columns: Columns | None, folder: Path, faults: list[LoadFault]
) -> list[Clip]:
    import datasets

    sounds: list[str] = [
        name for name, kind in part.features.items() if isinstance(kind, datasets.Audio)
    ]
    if not sounds:
        raise EarShotError(
            got=f"{folder} with columns {', '.join(part.column_names)}",
            expected="a column of the kind Audio",
            mend="Cast it before saving: cast_column('audio', Audio(decode=False)).",
        )
    asked = columns.audio if columns else None
    audio = asked if asked is not None and asked in sounds else sounds[0]
    for name in sounds:
        part = part.cast_column(name, datasets.Audio(decode=False))
    about = part.remove_columns(sounds)
    found = find_columns((audio, *about.column_names), columns, folder.name)
    names = getattr(part.features.get(found.label), "names", None)  # of a ClassLabel
    stored = part.select_columns([audio])
    clips = []
    for index, row in enumerate(about if about.column_names else [{}] * len(part)):
        name = f"{split or folder.name}/{index}"
        if (stored[index][audio] or {}).get("bytes") is None:
            faults.append(_no_sound(folder, index, audio))
            continue
        sound = StoredAudio(name, partial(_bytes, stored, audio, index))
        clips.append(_clip(sound, name, row, split, found, names))
    return clips


def _bytes(stored: Any, audio: str, index: int) -> bytes:
    return stored[index][audio]["bytes"]


def _clip(
    sound: StoredAudio,
    name: str,
    row: dict[str, Any],
    split: str | None,
    columns: FoundColumns,
    names: list[str] | None,
) -> Clip:
    labels = _words(row.get(columns.label or ""))
    if names is not None:
        labels = [names[int(label)] for label in labels if 0 <= int(label) < len(names)]
    captions = [text for field in columns.captions for text in _words(row.get(field))]
    return Clip(
        sound,
        captions=tuple(dict.fromkeys(captions)),
        labels=tuple(dict.fromkeys(labels)),
        split=str(row[columns.split]) if columns.split else split,
        id=str(row[columns.id]) if columns.id else name,
        group=str(row[columns.group]) if columns.group else None,
        extra={key: value for key, value in row.items() if key not in columns.used},
    )


def _words(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if item not in (None, "")]


def _no_sound(folder: Path, index: int, audio: str) -> LoadFault:
    return LoadFault(
        kind="missing_audio",
        file=folder.name,
        line=index + 1,
        field=audio,
        got="a row without the bytes of a sound",
        expected="a sound",
        mend="Save the set with its sounds in it.",
    )
