"""Mixed clips for captioners: two sounds at once, with a sentence that says both."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from earshot.audio.level_mixing import MixLevels, draw_mixture
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip, StoredAudio
from earshot.data.clip_set import ClipSet
from earshot.text.combining import CaptionCombiner


@dataclass(frozen=True)
class MixupConfig:
    """How many mixed clips there are, and how they sound."""

    n_pairs: int = 600
    n_each: int = 1  # sentences about each pair
    levels: MixLevels = field(default_factory=MixLevels)

    def __post_init__(self) -> None:
        if min(self.n_pairs, self.n_each) < 1:
            raise EarShotError(
                got=f"n_pairs={self.n_pairs}, n_each={self.n_each}",
                expected="at least 1 of each",
                mend="Set mixups=none to train without mix-ups.",
            )


@dataclass(frozen=True)
class Mixup:
    """One sentence about two clips at once."""

    pair: tuple[str, str]  # ids of the clips
    number: int  # among all sentences of the pair, those that were rejected counted too
    caption: str
    files: tuple[str, str] = ("", "")  # where their sounds lie, if a table says so

    @property
    def key(self) -> str:
        """What the mixture is called, and what anything kept about it should be kept under."""
        return f"{self.pair[0]}+{self.pair[1]}#{self.number}"


def mix_clips(
    clips: ClipSet,
    combiner: CaptionCombiner,
    config: MixupConfig,
    *,
    sample_rate: int,
    seed: int = 0,
) -> ClipSet:
    """Mixed clips of pairs drawn from `clips`, with what `combiner` says of their captions."""
    pairs = draw_pairs(clips, config.n_pairs, seed)
    mixups = combine_captions(pairs, combiner, n_each=config.n_each, seed=seed)
    by_id = {clip.id: clip for clip in clips}
    return mixed_clips(mixups, by_id, config.levels, sample_rate=sample_rate, seed=seed)


def draw_pairs(clips: Sequence[Clip], n: int, seed: int) -> list[tuple[Clip, Clip]]:
    """`n` pairs of clips of different groups, none twice in either order where there are enough.

    Every clip comes about as often as any other. Raises EarShotError for fewer than two groups.
    """
    groups = {_group(clip) for clip in clips}
    if len(groups) < 2:
        raise EarShotError(
            got=f"{len(clips)} clips of {len(groups)} recordings to mix",
            expected="clips of at least two",
            mend="Add clips, or train without mix-ups.",
        )
    pairs: list[tuple[Clip, Clip]] = []
    seen: set[frozenset[int]] = set()
    turn = 0
    while len(pairs) < n:
        order = generator(seed, turn, "caption mixups").permutation(len(clips))
        partner = np.roll(order, -1)
        new = 0
        for i, j in zip(order, partner, strict=True):
            one, other = clips[int(i)], clips[int(j)]
            both = frozenset((int(i), int(j)))
            if len(pairs) < n and both not in seen and _group(one) != _group(other):
                seen.add(both)
                pairs.append((one, other))
                new += 1
        turn += 1
        if not new and turn > 20:
            seen.clear()  # every pair was drawn: begin again
    return pairs


def combine_captions(
    pairs: Sequence[tuple[Clip, Clip]],
    combiner: CaptionCombiner,
    *,
    n_each: int = 1,
    seed: int = 0,
    is_fluent: Callable[[str], bool] = lambda text: True,
) -> list[Mixup]:
    """Up to `n_each` sentences about every pair, from one caption of each clip drawn by `seed`.

    Sentences that `is_fluent` refuses keep their number, so that a key never means another one.
    Source: arXiv:2309.17352, LLM mix-up augmentation.
    """
    made = []
    for one, other in pairs:
        if not one.captions or not other.captions:
            continue
        rng = generator(seed, "mixed captions", one.id, other.id)
        first, second = (c.captions[int(rng.integers(len(c.captions)))] for c in (one, other))
        for number, caption in enumerate(combiner.combine(first, second, n_each)):
            if is_fluent(caption):
                made.append(Mixup((one.id, other.id), number, caption))
    return made


def mixed_clips(
    mixups: Sequence[Mixup],
    clips: Mapping[str, Clip],
    levels: MixLevels,
    *,
    sample_rate: int,
    seed: int = 0,
) -> ClipSet:
    """A clip for every mixup, its sound made when it is read; `clips` has those mixed, by id.

    Level and place are a function of seed and key alone. What passes full scale is turned down as
    a whole. Labels are those of both clips. Raises EarShotError for a clip that is not there.
    """
    lacking = [id for each in mixups for id in each.pair if id not in clips]
    if lacking:
        raise EarShotError(
            got=f"mix-ups of {lacking[0]!r}, which is not among {len(clips)} clips",
            expected="the clips that were mixed",
            mend="Pass the set that the mix-ups were made from, under the same ids.",
        )
    made = []
    for each in mixups:
        one, other = (clips[id] for id in each.pair)
        made.append(
            Clip(
                audio=StoredAudio(each.key, _Mixture(one, other, levels, sample_rate, seed, each)),
                captions=(each.caption,),
                labels=tuple(sorted({*one.labels, *other.labels})),
                split=one.split,
                id=each.key,
                duration_s=None,
                extra={"mixed": list(each.pair), "mixup": each.number, **_length(one, other)},
            )
        )
    return ClipSet(made, name="mix-ups")


def read_mixups(path: Path, rejected: Path | None = None) -> list[Mixup]:
    """The mix-ups of a released table, without those that its list of rejects names.

    `path`: {"dataset": [{"selected_pair": [a, b], "audio_files": [a, b], "chatgpt_mixups": [...]},
    ...]}; `rejected`: [{"idx": [entry, mixup]}, ...]. Numbers count rejected sentences too: the
    released reader's index into what is left and its embeddings' numbers disagree.

    Raises EarShotError for files of another form, and for a reject that is not in the table.
    Source: arXiv:2309.17352, clotho-chatgpt-mixup-50K.
    """
    table = _json(path)
    rows = table.get("dataset") if isinstance(table, Mapping) else None
    if not isinstance(rows, list):
        raise _form(path, "no list 'dataset'")
    found: dict[tuple[int, int], Mixup] = {}
    pairs: set[tuple[str, str]] = set()
    for entry, row in enumerate(rows):
        pair, files, captions = (
            _texts(path, entry, row, name)
            for name in ("selected_pair", "audio_files", "chatgpt_mixups")
        )
        if len(pair) != 2 or len(files) != 2:
            raise _form(path, f"entry {entry} with {len(pair)} clips and {len(files)} files")
        both = (pair[0], pair[1])
        if both in pairs:
            raise _form(path, f"the pair {pair[0]}, {pair[1]} twice, the second time as {entry}")
        pairs.add(both)
        for number, caption in enumerate(captions):
            found[entry, number] = Mixup(both, number, caption.strip(), (files[0], files[1]))
    for reject in _rejects(rejected):
        if reject not in found:
            raise EarShotError(
                got=f"{rejected}, which rejects mixup {reject[1]} of entry {reject[0]}",
                expected=f"entries and mix-ups of {path}",
                mend="Pass the list that was released with that table.",
            )
        found[reject] = Mixup(("", ""), -1, "")
    return [each for each in found.values() if each.caption]


@dataclass(frozen=True)
class _Mixture:
    """What makes a mixed clip's sound when it is asked for."""

    one: Clip
    other: Clip
    levels: MixLevels
    sample_rate: int
    seed: int
    mixup: Mixup

    def __call__(self) -> bytes:
        first, second = (
            clip.read(sample_rate=self.sample_rate).waveform for clip in (self.one, self.other)
        )
        rng = generator(self.seed, "mixture", self.mixup.key)
        mixed = draw_mixture(first, second, self.levels, rng)
        mixed = mixed / max(1.0, float(np.abs(mixed).max(initial=0.0)))
        file = io.BytesIO()
        soundfile.write(file, mixed, self.sample_rate, format="WAV", subtype="FLOAT")
        return file.getvalue()


def _length(one: Clip, other: Clip) -> dict[str, Any]:
    lengths = [one.known_duration_s, other.known_duration_s]
    return {} if None in lengths else {"duration_s": max(filter(None, lengths), default=0.0)}


def _group(clip: Clip) -> str:
    return clip.group or clip.id


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise EarShotError(
            got=f"{path} ({str(fault).partition(chr(10))[0][:120]})",
            expected="a JSON file",
            mend="Download it again.",
        ) from fault


def _texts(path: Path, entry: int, row: Any, name: str) -> list[str]:
    value = row.get(name) if isinstance(row, Mapping) else None
    if not isinstance(value, list) or not all(isinstance(each, str | int) for each in value):
        raise _form(path, f"entry {entry} without a list {name!r}")
    return [str(each) for each in value]


def _rejects(path: Path | None) -> list[tuple[int, int]]:
    if path is None:
        return []
    found = []
    rows = _json(path)
    for row in rows if isinstance(rows, list) else [None]:
        index = row.get("idx") if isinstance(row, Mapping) else None
        if not isinstance(index, list) or [type(each) for each in index] != [int, int]:
            raise EarShotError(
                got=f"{path} with {str(row)[:80]}",
                expected='a list of {"idx": [entry, mixup]}',
                mend="Pass the list of rejects that was released with the table.",
            )
        found.append((index[0], index[1]))
    return found


def _form(path: Path, got: str) -> EarShotError:
    return EarShotError(
        got=f"{path}, {got}",
        expected='{"dataset": [{"selected_pair": [a, b], "audio_files": [a, b], '
        '"chatgpt_mixups": [...]}, ...]}',
        mend="Pass the table of mix-ups that was released, or write one of that form.",
    )
