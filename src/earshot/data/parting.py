"""Part clips by group and label: no recording on both sides, every label in proportion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip


def part_off(
    clips: Sequence[Clip], fraction: float, seed: int, by: Callable[[Clip], str] | None = None
) -> list[bool]:
    """True for the clips of a part with about `fraction` of every label's clips."""
    taken = [False] * len(clips)
    for label, units in _strata(clips, by).items():
        want = fraction * sum(len(unit) for unit in units)
        have = 0
        for unit in _shuffled(units, seed, f"off {label!a}"):
            if have + len(unit) / 2 <= want:  # taking it leaves us nearer to the wanted size
                have += len(unit)
                for index in unit:
                    taken[index] = True
    return taken


def part_into_folds(
    clips: Sequence[Clip], n: int, seed: int, by: Callable[[Clip], str] | None = None
) -> list[int]:
    """The fold of each clip, 0 to n - 1; labels are spread evenly, groups are kept whole."""
    strata = _strata(clips, by)
    n_units = sum(len(units) for units in strata.values())
    if not 2 <= n <= n_units:
        raise EarShotError(
            got=f"{n} folds of {n_units} groups",
            expected="at least 2 folds, and a group for each",
            mend="Ask for fewer folds, or add clips of other recordings.",
        )
    fold = [0] * len(clips)
    whole = [0] * n  # clips in each fold, over all labels
    for label, units in strata.items():
        of_label = [0] * n
        for unit in sorted(_shuffled(units, seed, f"folds {label!a}"), key=len, reverse=True):
            into = min(range(n), key=lambda each: (of_label[each], whole[each], each))
            of_label[into] += len(unit)
            whole[into] += len(unit)
            for index in unit:
                fold[index] = into
    return fold


def _strata(clips: Sequence[Clip], by: Callable[[Clip], str] | None) -> dict[str, list[list[int]]]:
    """Units that may not part (indices of their clips), under the label that most of them bear."""
    owner = list(range(len(clips)))  # a forest: clips joined by group, and by `by`

    def root(index: int) -> int:
        while owner[index] != index:
            owner[index] = owner[owner[index]]
            index = owner[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, clip in enumerate(clips):
        keys = [("group", clip.group)] if clip.group is not None else []
        keys += [("by", by(clip))] if by is not None else []
        for key in keys:
            owner[root(index)] = root(first.setdefault(key, index))
    units: dict[int, list[int]] = defaultdict(list)
    for index in range(len(clips)):
        units[root(index)].append(index)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for unit in units.values():
        names = sorted(clips[index].labels[0] if clips[index].labels else "" for index in unit)
        strata[max(names, key=names.count)].append(unit)
    return {label: strata[label] for label in sorted(strata)}


def _shuffled(units: list[list[int]], seed: int, what: str) -> list[list[int]]:
    order = generator(seed, what).permutation(len(units))
    return [units[index] for index in order]
