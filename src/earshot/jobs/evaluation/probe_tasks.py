"""What encoders are probed for: speech, speakers, languages, surroundings, instruments, events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import unknown_name
from earshot.core.seed import generator

if TYPE_CHECKING:
    from earshot.data import Clip, ClipSet

LONGEST_S = 5.0  # of a clip; what comes after is not heard
APART = 5_170_000  # added to the seed of procedural clips: far from those of trainings


@dataclass(frozen=True, eq=False)
class ProbeTask:
    """Clips with what is to be read out of them."""

    name: str
    data: str  # the set, and how much of it
    clips: Sequence[Clip]
    frame_labels: Callable[[Clip, np.ndarray], list[str]] | None = None  # at these seconds
    longest_s: float | None = LONGEST_S


@dataclass(frozen=True)
class ProbeSizes:
    """How many clips; the defaults take a minute or two of one core a model."""

    per_speaker: int = 100  # spoken digits
    per_language: int = 60
    per_label: int = 32  # surroundings and instruments
    n_utterances: int = 120  # of procedural speech
    n_scenes: int = 240

    @classmethod
    def quick(cls) -> ProbeSizes:
        """A quarter of it: intervals are twice as wide."""
        return cls(25, 15, 12, 30, 60)


def probe_tasks(
    names: Sequence[str] = (), *, sizes: ProbeSizes | None = None, seed: int = 0
) -> list[ProbeTask]:
    """The named tasks, or all whose clips are at hand.

    Procedural ones always are: "phones" and "events". Those of recordings want EARSHOT_SHARED:
    "digits" and "speakers" (fsdd), "languages" (stamps), "surroundings" (esc10), "instruments". A
    named one whose recordings are missing is refused; without names it is left out.
    """
    from earshot.data.shared import shared_data

    for name in names:
        if name not in TASKS:
            raise unknown_name("probe", name, TASKS)
    chosen = names or [
        name for name, (_, source) in TASKS.items() if not source or shared_data(source)
    ]
    return [TASKS[name][0](sizes or ProbeSizes(), seed) for name in chosen]


def labelled_task(clips: ClipSet) -> ProbeTask:
    """The task of naming the labels of a set of one's own."""
    from earshot.jobs.evaluation.clips import clips_with

    return ProbeTask("labels", clips.name, clips_with(clips, "labels"))


def _digits(sizes: ProbeSizes, seed: int) -> ProbeTask:
    """Which digit an unseen speaker says: a fold a speaker."""
    clips = _of_each(_spoken_digits(), lambda clip: str(clip.group), sizes.per_speaker, seed)
    folds = [replace(clip, extra={**clip.extra, "fold": clip.group}) for clip in clips]
    return ProbeTask("digits", f"fsdd, {len(clips)} of unseen speakers", folds)


def _speakers(sizes: ProbeSizes, seed: int) -> ProbeTask:
    """Who says a digit: unseen recordings of known speakers."""
    clips = _of_each(_spoken_digits(), lambda clip: str(clip.group), sizes.per_speaker, seed)
    named = [replace(clip, labels=(str(clip.group),), group=clip.id, split=None) for clip in clips]
    return ProbeTask("speakers", f"fsdd, {len(clips)} recordings", named)


def _spoken_digits() -> Sequence[Clip]:
    from earshot.data.spoken_digits import digit_clips

    return digit_clips(0)


def _languages(sizes: ProbeSizes, seed: int) -> ProbeTask:
    """Which language is spoken; a language has a speaker or two, who are known."""
    from earshot.data.shared import need_shared_data
    from earshot.data.spoken_stamps import spoken_stamps

    folder = need_shared_data("stamps")
    there = sorted(each.name for each in (folder / "speech").iterdir() if each.is_dir())
    clips = spoken_stamps(folder, there)
    kept = _of_each(clips, lambda clip: str(clip.extra["language"]), sizes.per_language, seed)
    named = [replace(clip, labels=(str(clip.extra["language"]),)) for clip in kept]
    return ProbeTask("languages", f"stamps, {len(kept)} in {len(there)} languages", named)


def _surroundings(sizes: ProbeSizes, seed: int) -> ProbeTask:
    """Which of ten sounds of the surroundings: the set's own folds."""
    clips = _of_each(_labelled("esc10"), lambda clip: clip.labels[0], sizes.per_label, seed)
    return ProbeTask("surroundings", f"esc10, {len(clips)} clips", clips)


def _instruments(sizes: ProbeSizes, seed: int) -> ProbeTask:
    """Which of ten instruments plays."""
    clips = _of_each(_labelled("instruments"), lambda clip: clip.labels[0], sizes.per_label, seed)
    return ProbeTask("instruments", f"instruments, {len(clips)} clips", clips)


def _labelled(name: str) -> Sequence[Clip]:
    from earshot.data import open_clips
    from earshot.data.shared import need_shared_data

    return [clip for clip in open_clips(need_shared_data(name)) if clip.labels]


def _phones(sizes: ProbeSizes, seed: int) -> ProbeTask:
    """Which phone is said at a moment of procedural speech, by speakers that were not taught by."""
    from earshot.synth.phone_speech import PhoneInventory, PhoneLanguage, phone_name

    language = PhoneLanguage(PhoneInventory(APART + seed), APART + seed)
    said = {each.id: each for each in language.utterances(sizes.n_utterances, "probe")}
    clips = [replace(each.clip(), extra={"fold": f"{each.speaker % 3}"}) for each in said.values()]

    def labels(clip: Clip, seconds: np.ndarray) -> list[str]:
        return [phone_name(int(phone)) for phone in said[clip.id].phones_at(seconds)]

    return ProbeTask("phones", f"procedural speech, {len(clips)} utterances", clips, labels)


def _events(sizes: ProbeSizes, seed: int) -> ProbeTask:
    """Which kinds of sound a procedural scene holds, any number of them."""
    from earshot.audio import Audio
    from earshot.data.clip import Clip
    from earshot.synth import SceneConfig, make_scenes
    from earshot.synth.combinations import TWELVE

    config = SceneConfig(kinds=TWELVE)
    clips = [
        Clip(
            Audio(scene.waveform, scene.sample_rate),
            labels=tuple(sorted({event.kind for event in scene.events})),
            id=f"scene {index}",
        )
        for index, scene in enumerate(make_scenes(sizes.n_scenes, APART + seed, config))
    ]
    return ProbeTask("events", f"procedural scenes, {len(clips)}", clips)


def _of_each(
    clips: Sequence[Clip], kind_of: Callable[[Clip], str], n: int, seed: int
) -> list[Clip]:
    """Up to `n` clips of each kind, drawn by the seed, in their order."""
    places: dict[str, list[int]] = {}
    for place, clip in enumerate(clips):
        places.setdefault(kind_of(clip), []).append(place)
    kept: list[int] = []
    for kind, own in sorted(places.items()):
        drawn = generator(seed, f"probed {kind}").permutation(len(own))[:n]
        kept += [own[int(i)] for i in drawn]
    return [clips[place] for place in sorted(kept)]


TASKS: dict[str, tuple[Callable[[ProbeSizes, int], ProbeTask], str]] = {  # and the recordings
    "digits": (_digits, "fsdd"),
    "speakers": (_speakers, "fsdd"),
    "languages": (_languages, "stamps"),
    "surroundings": (_surroundings, "esc10"),
    "instruments": (_instruments, "instruments"),
    "phones": (_phones, ""),
    "events": (_events, ""),
}
