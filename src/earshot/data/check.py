"""Check a data set: every fault by file and line, and what the set holds."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot.data.caption_faults import caption_faults
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.columns import Columns
from earshot.data.faults import LoadFault, count_kinds
from earshot.data.open import no_clip, read_layout
from earshot.data.sound_facts import SoundFacts, examine

JOINED = re.compile(r"\w\s*([;|])\s*\w")


@dataclass(frozen=True)
class CheckReport:
    """What a check found."""

    clips: ClipSet
    faults: tuple[LoadFault, ...]
    sounds: tuple[SoundFacts, ...] = field(repr=False)  # empty when sounds were not decoded

    def summary(self) -> dict[str, Any]:
        """The set in figures, as plain values."""
        seconds = [facts.duration_s for facts in self.sounds if facts.duration_s is not None]
        if not self.sounds:
            known = [clip.known_duration_s for clip in self.clips]
            seconds = [length for length in known if length is not None]
        captions = Counter(len(clip.captions) for clip in self.clips)
        rates = Counter(facts.sample_rate for facts in self.sounds if facts.sample_rate)
        return {
            "name": self.clips.name,
            "n_clips": len(self.clips),
            "n_faults": len(self.faults),
            "faults": count_kinds(self.faults),
            "hours": round(sum(seconds) / 3_600, 4),
            "n_with_duration": len(seconds),
            "shortest_s": round(min(seconds), 3) if seconds else None,
            "longest_s": round(max(seconds), 3) if seconds else None,
            "sample_rates": {str(rate): n for rate, n in rates.most_common()},
            "captions_per_clip": {str(n): captions[n] for n in sorted(captions)},
            "splits": dict(Counter(str(c.split) for c in self.clips if c.split is not None)),
            "n_groups": len({clip.group for clip in self.clips if clip.group is not None}),
            "labels": dict(Counter(name for c in self.clips for name in c.labels).most_common()),
        }


def check_clips(
    path: Path,
    *,
    layout: str = "auto",
    columns: Columns | None = None,
    audio: bool = True,
    workers: int = 2,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, n: items,
) -> CheckReport:
    """Everything wrong with the set at `path`; with `audio` every sound is decoded, too.

    `progress` wraps the sounds as they are decoded, of which there are n. Raises EarShotError only
    where nothing can be checked: no such path, no table.
    """
    clips = read_layout(path, layout, columns)
    if not len(clips) and not clips.faults:
        raise no_clip(path)
    faults = [*clips.faults, *_captions(clips), *_labels(clips), *_groups(clips)]
    sounds = []
    if audio:
        with ThreadPoolExecutor(max(1, workers)) as pool:
            for facts, found in progress(pool.map(examine, clips), len(clips)):
                sounds.append(facts)
                faults += found
    return CheckReport(clips, tuple(faults), tuple(sounds))


def _captions(clips: ClipSet) -> Iterator[LoadFault]:
    captioned = any(clip.captions for clip in clips)
    for clip in clips:
        captions = clip.captions or (("",) if captioned and not clip.labels else ())
        for index, caption in enumerate(captions):
            line = clip.lines[min(index, len(clip.lines) - 1)] if clip.lines else None
            for fault in caption_faults(caption):
                yield LoadFault(
                    kind=fault.kind,
                    file=clip.file or clip.id,
                    got=fault.got,
                    expected=fault.expected,
                    mend=fault.mend,
                    line=line,
                    field="caption",
                    clip=clip.id,
                )


def _labels(clips: ClipSet) -> Iterator[LoadFault]:
    """Labels that look like several in one: the first of them stands for all."""
    signs = ((clip, JOINED.search(clip.labels[0])) for clip in clips if len(clip.labels) == 1)
    for clip, sign in itertools.islice(((clip, sign) for clip, sign in signs if sign), 1):
        yield LoadFault(
            kind="joined_labels",
            file=clip.file or clip.id,
            got=f"the label {clip.labels[0]!r}",
            expected="one label, or a word on what parts several",
            mend=f"Say what parts them: --column label_separator='{sign.group(1)}'",
            line=clip.lines[0] if clip.lines else None,
            field="label",
            clip=clip.id,
        )


def _groups(clips: ClipSet) -> Iterator[LoadFault]:
    """Groups on both sides of a split: what is learnt is then partly what is tested."""
    by_group: dict[str, dict[str, Clip]] = defaultdict(dict)
    for clip in clips:
        if clip.group is not None and clip.split is not None:
            by_group[clip.group].setdefault(clip.split, clip)
    for group, first in by_group.items():
        for split, clip in list(first.items())[1:]:
            yield LoadFault(
                kind="group_in_two_splits",
                file=clip.file or clip.id,
                got=f"group {group!r} in {split!r} and in {next(iter(first))!r}",
                expected="each recording in one split",
                mend="Move its clips into one of the splits.",
                line=clip.lines[0] if clip.lines else None,
                field="group",
                clip=clip.id,
            )
