"""Clips with words: the training and test part of any set, and sentences where there are none."""

from __future__ import annotations

from dataclasses import replace

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.text.combining import plain_caption
from earshot.text.keywords import keywords_to_caption, neutralise_gender

TEST_SHARE = 0.1  # of clips that come without splits


def train_and_test(clips: ClipSet, seed: int, share: float = TEST_SHARE) -> tuple[ClipSet, ClipSet]:
    """The set's own train and test splits; without any, a `share` of every label is the test."""
    if clips.splits:
        return clips.split("train"), clips.split("test")
    return clips.split_off(share, seed)


def with_captions(
    clips: ClipSet, seed: int, *, per_keywords: int = 4, neutral_gender: bool = False
) -> ClipSet:
    """The clips with the captions they have; those with labels alone get `per_keywords` sentences.

    Raises EarShotError for clips that have neither.
    """
    silent = [clip.id for clip in clips if not clip.captions and not clip.labels]
    if silent:
        raise EarShotError(
            got=f"{len(silent)} training clips without caption or label, such as {silent[0]}",
            expected="words with every clip",
            mend="Give them captions or labels, or leave them out of the manifest.",
        )
    told = [
        replace(clip, captions=captions_of(clip, seed, per_keywords, neutral_gender=neutral_gender))
        for clip in clips
    ]
    return ClipSet(told, name=clips.name, labels=clips.labels)


def captions_of(
    clip: Clip, seed: int, per_keywords: int = 4, *, neutral_gender: bool = False
) -> tuple[str, ...]:
    """The clip's captions, or sentences made of its labels; "a man" becomes "a person" if asked."""
    captions = clip.captions or tuple(
        keywords_to_caption(clip.labels, seed=seed + turn) for turn in range(per_keywords)
    )
    if neutral_gender:
        captions = tuple(neutralise_gender(caption) for caption in captions)
    return tuple(dict.fromkeys(captions))


def plain_captions(clips: ClipSet, min_words: int = 1) -> ClipSet:
    """The clips with their captions in lower case and without punctuation.

    Captions of fewer than `min_words` are left out where a clip has longer ones.
    """

    def told(clip: Clip) -> Clip:
        captions = [text for each in clip.captions if (text := plain_caption(each))]
        long = [each for each in captions if len(each.split()) >= min_words]
        return replace(clip, captions=tuple(dict.fromkeys(long or captions)))

    return ClipSet((told(clip) for clip in clips), name=clips.name, labels=clips.labels)


def shuffled_captions(clips: ClipSet, seed: int) -> ClipSet:
    """Every clip with another one's captions: the control of a claim, sound without its words."""
    order = generator(seed, "shuffle captions").permutation(len(clips))
    told = [
        replace(clip, captions=clips[int(i)].captions) for clip, i in zip(clips, order, strict=True)
    ]
    return ClipSet(told, name=clips.name, labels=clips.labels)


def misaligned_captions(clips: ClipSet, seed: int, share: float) -> ClipSet:
    """A random `share` of the clips with each other's captions; extra["misaligned"] says which.

    Captions go to clips of other labels, or of other captions where clips have no labels; where
    that cannot be, a clip stays as it is and unmarked.
    """
    if not 0 <= share <= 1:
        raise EarShotError(
            got=f"misaligned captions in a share of {share:g}",
            expected="a share from 0 to 1",
            mend="Correct it; 0 leaves every clip its own.",
        )
    rng = generator(seed, "misalign captions")
    takers = [int(i) for i in rng.permutation(len(clips))[: round(share * len(clips))]]
    givers = [takers[int(i)] for i in rng.permutation(len(takers))]
    for place, taker in enumerate(takers):
        if _differ(clips[taker], clips[givers[place]]):
            continue
        for other in map(int, rng.permutation(len(takers))):  # exchange with any that suits both
            mine, theirs = clips[givers[other]], clips[givers[place]]
            if _differ(clips[taker], mine) and _differ(clips[takers[other]], theirs):
                givers[place], givers[other] = givers[other], givers[place]
                break
    told = list(clips)
    for taker, giver in zip(takers, givers, strict=True):
        if _differ(clips[taker], clips[giver]):
            extra = {**clips[taker].extra, "misaligned": True}
            told[taker] = replace(clips[taker], captions=clips[giver].captions, extra=extra)
    return ClipSet(told, name=clips.name, labels=clips.labels)


def _differ(one: Clip, other: Clip) -> bool:
    return one.labels != other.labels if one.labels else one.captions != other.captions
