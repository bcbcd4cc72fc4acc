"""A set of clips: pick by split or by any rule, part it without leaking a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, overload

from earshot.core.errors import EarShotError, unknown_name
from earshot.data.clip import Clip
from earshot.data.faults import LoadFault
from earshot.data.parting import part_into_folds, part_off

SAME_SPLIT = (  # what the field calls the three parts
    ("train", "training", "development"),
    ("val", "valid", "validation", "dev"),
    ("test", "testing", "eval", "evaluation"),
)


class Fold(NamedTuple):
    """One turn of a cross-validation."""

    name: str
    train: ClipSet
    held_out: ClipSet


class ClipSet(Sequence[Clip]):
    """Clips in a fixed order, with the names of their labels, sorted.

    Parts of a set keep the labels of the whole, so that a label's index means the same in every
    split. `faults` are those met on opening: of clips that were left out, and warnings.
    """

    def __init__(
        self,
        clips: Iterable[Clip],
        *,
        name: str = "clips",
        labels: Sequence[str] | None = None,
        faults: Sequence[LoadFault] = (),
    ) -> None:
        self.clips = tuple(clips)
        self.name = name
        if labels is None:
            labels = sorted({label for clip in self.clips for label in clip.labels})
        self.labels = tuple(labels)
        self.faults = tuple(faults)

    def __len__(self) -> int:
        return len(self.clips)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> ClipSet: ...
    def __getitem__(self, index: int | slice) -> Clip | ClipSet:
        if isinstance(index, slice):
            return self._part(self.clips[index])
        return self.clips[index]

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __repr__(self) -> str:
        return f"ClipSet({self.name!r}, {len(self)} clips, {len(self.labels)} labels)"

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, sorted."""
        return tuple(sorted({clip.split for clip in self.clips if clip.split is not None}))

    def split(self, name: str) -> ClipSet:
        """The clips of one split; "train", "val" and "test" also find the set's own words."""
        wanted = [name] if name in self.splits else _same_split(name, self.splits)
        if not wanted:
            raise unknown_name(
                f"split of {self.name}", name, self.splits, mend="Give the manifest a split column."
            )
        return self._part(
            (clip for clip in self.clips if clip.split in wanted), name=f"{self.name}/{name}"
        )

    def select(self, predicate: Callable[[Clip], bool]) -> ClipSet:
        """The clips for which `predicate` holds."""
        return self._part(clip for clip in self.clips if predicate(clip))

    def target(self, clip: Clip) -> int | None:
        """Index of the clip's only label among `labels`; None with no or several labels."""
        return self.labels.index(clip.labels[0]) if len(clip.labels) == 1 else None

    def split_off(
        self, fraction: float, seed: int, *, by: Callable[[Clip], str] | None = None
    ) -> tuple[ClipSet, ClipSet]:
        """The rest, and a part with about `fraction` of every label's clips, drawn by `seed`.

        Clips of one group stay together; `by` gives another key to keep together, such as the
        caption.
        """
        if not 0 < fraction < 1:
            raise EarShotError(
                got=f"fraction={fraction:g}",
                expected="a fraction between 0 and 1",
                mend="Give 0.2 to split off a fifth.",
            )
        taken = part_off(self.clips, fraction, seed, by)
        rest = [clip for clip, off in zip(self.clips, taken, strict=True) if not off]
        held_out = [clip for clip, off in zip(self.clips, taken, strict=True) if off]
        return self._part(rest), self._part(held_out)

    def folds(
        self, n: int | None = None, seed: int = 0, *, by: Callable[[Clip], str] | None = None
    ) -> list[Fold]:
        """Turns of a cross-validation: the folds of the set itself, or `n` drawn ones.

        The set's own are those of a `fold` column. Drawn folds keep groups together and labels
        balanced, as in `split_off`.
        """
        if n is not None:
            names = [str(part + 1) for part in part_into_folds(self.clips, n, seed, by)]
        else:
            names = [str(clip.extra.get("fold", "")) for clip in self.clips]
            if not self.clips or "" in names:
                raise EarShotError(
                    got=f"{self.name} with {names.count('')} of {len(self)} clips outside any fold",
                    expected="a fold for every clip",
                    mend="Add a fold column to the manifest, or draw folds: folds(5).",
                )
        return [
            Fold(
                name,
                self._part(c for c, f in zip(self.clips, names, strict=True) if f != name),
                self._part(c for c, f in zip(self.clips, names, strict=True) if f == name),
            )
            for name in sorted(set(names), key=lambda name: (len(name), name))
        ]

    def _part(self, clips: Iterable[Clip], name: str | None = None) -> ClipSet:
        return ClipSet(clips, name=name or self.name, labels=self.labels, faults=self.faults)


def _same_split(name: str, known: Sequence[str]) -> list[str]:
    """The split that means the same as `name`, if exactly one does."""
    words = next((words for words in SAME_SPLIT if name.lower() in words), ())
    found = [split for split in known if split.lower() in words]
    return found if len(found) == 1 else []


def check_single_labels(clips: ClipSet) -> None:
    """Refuse clips that have none or several labels."""
    for clip in clips:
        if len(clip.labels) != 1:
            raise EarShotError(
                got=f"clip {clip.id!r} with {len(clip.labels)} labels",
                expected="exactly one label for every clip",
                mend="Leave out clips of several, or name a column of one: --columns label=class.",
            )
