"""Clips told by what their labels sound like, and labels that are held out of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.text.lexicon import Lexicon

Descriptions = dict[str, tuple[str, ...]]  # label -> noun phrases without its name


@dataclass(frozen=True)
class Unheard:
    """Clips to learn from, and clips of labels that none of them has."""

    train: ClipSet  # with descriptions as captions; its labels are all that training hears of
    seen: ClipSet  # other clips of the labels of training
    unseen: ClipSet  # clips of the other labels
    told: Descriptions  # what each label is truly like


def unheard(
    train: Sequence[Clip],
    seen: Sequence[Clip],
    unseen: Sequence[Clip],
    taught: Descriptions,
    held_out: Sequence[str],
    told: Descriptions,
) -> Unheard:
    """The parts; `train` and `seen` keep clips of labels that `taught` has words for."""
    labels = list(taught)
    kept, others = (
        ClipSet([clip for clip in part if clip.labels[0] in taught], labels=labels)
        for part in (train, seen)
    )
    return Unheard(
        described(kept, taught), others, ClipSet(unseen, labels=list(held_out)), dict(told)
    )


def descriptions_of(labels: Sequence[str], lexicon: Lexicon) -> Descriptions:
    """What each label is like. Raises EarShotError, with names, for labels it does not know."""
    found = {label: lexicon.of(label) for label in labels}
    lacking = [label for label, sound in found.items() if sound is None]
    if lacking:
        raise EarShotError(
            got=f"{len(lacking)} labels without a description, such as {', '.join(lacking[:5])}",
            expected="labels of everyday sounds, instruments or AudioSet",
            mend="Rename them, or give their descriptions in a lexicon of your own.",
        )
    return {label: sound.like for label, sound in found.items() if sound is not None}


def described(clips: ClipSet, told: Mapping[str, tuple[str, ...]]) -> ClipSet:
    """The clips with the whole descriptions of their one label as captions."""
    return ClipSet(
        [replace(clip, captions=wholes(told[clip.labels[0]])) for clip in clips],
        name=clips.name,
        labels=clips.labels,
    )


def wholes(phrases: Sequence[str]) -> tuple[str, ...]:
    """All phrases as one sentence, once beginning with each of them."""
    return tuple("; ".join((*phrases[first:], *phrases[:first])) for first in range(len(phrases)))


def exchanged(told: Descriptions, seed: int) -> Descriptions:
    """Every label with the descriptions of another one: words as before, and none of them true."""
    labels = [
        list(told)[i] for i in generator(seed, "exchange descriptions").permutation(len(told))
    ]
    return {
        label: told[other] for label, other in zip(labels, labels[1:] + labels[:1], strict=True)
    }


def draw_held_out(labels: Sequence[str], n: int, seed: int) -> tuple[str, ...]:
    """`n` of the labels, sorted; the same whatever the order they come in."""
    if not 2 <= n <= len(labels) - 2:
        raise EarShotError(
            got=f"{n} of {len(labels)} labels to hold out",
            expected=f"from 2 to {len(labels) - 2}: two must be left to train on",
            mend="Change n_held_out, or add labels.",
        )
    ordered = sorted(labels)
    chosen = generator(seed, "held-out labels").permutation(len(ordered))[:n]
    return tuple(sorted(ordered[int(i)] for i in chosen))


def named_held_out(labels: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The labels of those names; for a typo the nearest is offered."""
    for name in names:
        if name not in labels:
            raise unknown_name("label to hold out", name, labels)
    return tuple(dict.fromkeys(names))
