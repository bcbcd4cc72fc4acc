"""M/EEG recordings in the BIDS layout, read by MNE: brains that heard sounds of known words."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from earshot.core.errors import EarShotError
from earshot.core.files import is_file, is_folder
from earshot.data.brain import BrainRecording, BrainStudy, HeardSound
from earshot.data.brain_events import EventColumns, read_events
from earshot.data.brain_layout import flat_layout
from earshot.data.tables import read_table

SUFFIXES = (".fif", ".vhdr", ".edf", ".bdf", ".set", ".con", ".sqd", ".ds")
KINDS = ("meg", "eeg")
SPLIT = re.compile(r"_split-(\d+)")  # of a FIF file above 2 GB; the first part leads to the others
GROUP = 32  # channels resampled at a time: memory is that of these at the file's own rate


def read_bids(
    folder: Path,
    *,
    sample_rate: float = 120.0,  # Hz that signals are brought to
    subjects: Sequence[str] = (),  # names without "sub-"; all if empty
    columns: EventColumns | None = None,
) -> BrainStudy:
    """The study in a BIDS folder: sub-*/[ses-*/]{meg,eeg}/*_{meg,eeg}.{fif,vhdr,edf,bdf,set,...}.

    Beside each recording lie its events.tsv (words and the sounds that played), and where there
    are such its channels.tsv (bad channels are left out) and electrodes.tsv. Sounds are looked for
    in `stimuli` and in the folder itself. Places of sensors are those in the file, else those of
    electrodes.tsv, else the 10-05 system's by name. Recordings that cannot be used are named in
    the study's notes; where none can, EarShotError. Needs the package mne.
    """
    if not is_folder(folder):
        raise EarShotError(
            got=f"{folder}, which is no folder", expected="a BIDS folder", mend="Correct the path."
        )
    files = find_recordings(folder, subjects)
    recordings, notes, fault = [], [], None
    for path in files:
        try:
            recordings.append(read_recording(path, sample_rate=sample_rate, columns=columns))
        except EarShotError as found:
            fault = found
            notes.append(f"{path.relative_to(folder)} was left out: {found}")
    if not recordings:
        assert fault is not None
        raise EarShotError(
            got=f"{folder} with {len(files)} recordings, none of which can be used",
            expected="recordings with events",
            mend=f"The first fault: {notes[0]}",
        ) from fault
    names = sorted({word.sound for each in recordings for word in each.words})
    sounds: dict[str, HeardSound] = {name: _sound(folder, name) for name in names}
    return BrainStudy(tuple(recordings), sounds, tuple(notes))


def find_recordings(folder: Path, subjects: Sequence[str] = ()) -> list[Path]:
    """The recordings of a BIDS folder, sorted; only those of `subjects` where named."""
    names = [name.removeprefix("sub-") for name in subjects] or ["*"]
    found = [
        path
        for name in names
        for inside in (f"sub-{name}", f"sub-{name}/ses-*")
        for kind in KINDS
        for path in folder.glob(f"{inside}/{kind}/*_{kind}.*")
        if path.suffix.lower() in SUFFIXES and not _is_later_part(path)
    ]
    if not found:
        raise EarShotError(
            got=f"{folder} without a recording" + f" of {', '.join(names)}" * bool(subjects),
            expected="files such as sub-01/meg/sub-01_task-story_meg.fif",
            mend=f"Arrange the recordings as BIDS does; {', '.join(SUFFIXES)} are read.",
        )
    return sorted(found)


def _is_later_part(path: Path) -> bool:
    part = SPLIT.search(path.name)
    return part is not None and int(part[1]) > 1


def read_recording(
    path: Path, *, sample_rate: float = 120.0, columns: EventColumns | None = None
) -> BrainRecording:
    """One recording with what was heard in it, at `sample_rate`, without its bad channels."""
    stem = SPLIT.sub("", path.name[: path.name.rindex("_")])
    words = read_events(_beside(path, stem, "events"), columns)
    raw = _open(path)
    kept = _channels(raw, path, stem)
    if not kept:
        raise EarShotError(
            got=f"{path.name} without a good channel of MEG or EEG",
            expected="at least one",
            mend="Correct types and status in channels.tsv.",
        )
    return BrainRecording(
        id=stem,
        subject=stem.partition("_")[0].removeprefix("sub-"),
        signal=_signal(raw, kept, sample_rate, path),
        sample_rate=sample_rate,
        positions=flat_layout(_places(raw, kept, path, stem)),
        words=tuple(words),
    )


def _open(path: Path) -> Any:
    try:
        import mne
    except ImportError as fault:
        raise EarShotError(
            got="no package mne",
            expected="it, to read recordings of brains",
            mend='Install it: pip install "earshot[brain]"',
        ) from fault
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # names of files, units, montages
            return mne.io.read_raw(path, preload=False, verbose="ERROR")
    except Exception as fault:  # whatever the readers of ten formats raise of damaged files
        raise EarShotError(
            got=f"{path.name}, which mne cannot read ({str(fault).partition(chr(10))[0][:200]})",
            expected="a whole recording",
            mend="Copy it again with all the files that belong to it.",
        ) from fault


def _channels(raw: Any, path: Path, stem: str) -> list[int]:
    """Indices of good channels: magnetometers and gradiometers of MEG, or EEG."""
    bad, types = (
        set(raw.info["bads"]),
        dict(zip(raw.ch_names, raw.get_channel_types(), strict=True)),
    )
    table = path.with_name(f"{stem}_channels.tsv")
    if is_file(table):
        for row in read_table(table, need=("name",)).rows:
            name = str(row.values["name"])
            if str(row.values.get("status") or "").lower() == "bad":
                bad.add(name)
            kind = str(row.values.get("type") or "").lower()
            if kind and name in types:
                types[name] = {"megmag": "mag", "meggradaxial": "mag", "meggradplanar": "grad"}.get(
                    kind, kind
                )
    wanted = ("mag", "grad") if path.parent.name == "meg" else ("eeg",)
    return [i for i, name in enumerate(raw.ch_names) if types[name] in wanted and name not in bad]


def _places(raw: Any, kept: Sequence[int], path: Path, stem: str) -> np.ndarray:
    """Where those channels sit, [channels, 3]; NaN where nothing says."""
    found = np.array([raw.info["chs"][index]["loc"][:3] for index in kept], dtype=np.float64)
    found = found.reshape(len(kept), 3)
    found[(found == 0).all(1)] = np.nan  # mne's zeros: unknown
    if path.parent.name == "meg":
        return found
    named = _electrodes(path, stem)
    if not named and np.isnan(found).all():
        import mne

        # the same heads under a new name from 1.13 on
        there = mne.channels.get_builtin_montages()
        known = "colin27_1005" if "colin27_1005" in there else "standard_1005"
        montage = mne.channels.make_standard_montage(known)
        named = {name.lower(): place for name, place in montage.get_positions()["ch_pos"].items()}
    for row, index in enumerate(kept):
        place = named.get(raw.ch_names[index].lower())
        if place is not None:
            found[row] = place
    return found


def _electrodes(path: Path, stem: str) -> dict[str, np.ndarray]:
    """Places by lower-case name, of the electrodes.tsv that fits the recording best."""
    entities = set(stem.split("_"))
    tables = [
        table
        for table in sorted(path.parent.glob("*_electrodes.tsv"))
        if {e for e in table.name.split("_")[:-1] if not e.startswith("space-")} <= entities
    ]
    if not tables:
        return {}
    best = max(tables, key=lambda table: table.name.count("_"))
    places = {}
    for row in read_table(best, need=("name", "x", "y", "z")).rows:
        try:
            place = np.array([float(row.values[axis]) for axis in "xyz"])
        except (TypeError, ValueError):
            continue  # n/a: a reference without a place
        places[str(row.values["name"]).lower()] = place
    return places


def _signal(raw: Any, kept: Sequence[int], sample_rate: float, path: Path) -> np.ndarray:
    """Float32 [channels, samples] at `sample_rate`, each channel about its own median.

    Band-limited; read in groups of channels, so that an hour of hundreds of channels fits.
    """
    own = float(raw.info["sfreq"])
    pieces = []
    for first in range(0, len(kept), GROUP):
        try:
            values = raw.get_data(picks=list(kept[first : first + GROUP]), verbose="ERROR")
        except Exception as fault:  # a file that breaks off shows itself only here
            raise EarShotError(
                got=f"{path.name}, which cannot be read to its end ({str(fault)[:200]})",
                expected="a whole recording",
                mend="Copy it again with all the files that belong to it.",
            ) from fault
        values = values - np.median(values, axis=1, keepdims=True)
        if abs(own - sample_rate) > 1e-9:
            values = soxr.resample(np.ascontiguousarray(values.T), own, sample_rate).T
        pieces.append(values.astype(np.float32))
    return np.concatenate(pieces)


def _beside(path: Path, stem: str, kind: str) -> Path:
    found = path.with_name(f"{stem}_{kind}.tsv")
    if not is_file(found):
        raise EarShotError(
            got=f"{path.name} without {found.name} beside it",
            expected="when which word was heard",
            mend="Put the file there, as BIDS has it.",
        )
    return found


def _sound(folder: Path, name: str) -> Path:
    """The file of that name in the study."""
    root = folder.resolve()
    for place in (folder / "stimuli" / name, folder / name):
        roots = (root, (root / "stimuli").resolve())  # which may be a link
        if is_file(place) and any(place.resolve().is_relative_to(each) for each in roots):
            return place
    raise EarShotError(
        got=f"a sound {name!r} of the events, which is not there",
        expected=f"a file in {folder / 'stimuli'}",
        mend="Copy the sounds that were played into that folder.",
    )
