"""Speech of several languages to adapt a recogniser with: of a manifest, or of the set stamps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from earshot.audio import AudioError
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.data import Clip, ClipSet
from earshot.data.shared import need_shared_data
from earshot.data.spoken_stamps import held_out_captions, spoken_stamps
from earshot.models.audio_tower import SoundEncoderConfig, build_front_end
from earshot.text.latin import has_other_letters, latin_letters
from earshot.training.spoken_batches import Spoken

TEST_SHARE = 0.15  # of the target's recordings, where a manifest names no test split
HELD_OUT = 0.05  # of each language's training clips: what pre-training is measured on


@dataclass(frozen=True)
class Languages:
    """Utterances by language; those of `test` are the target's and of other recordings."""

    train: Mapping[str, list[Spoken]]
    test: list[Spoken]
    target: str
    faults: list[str] = field(default_factory=list)

    def labelled(self, language: str) -> list[Spoken]:
        """The training utterances of a language that somebody wrote down."""
        if language not in self.train:
            raise unknown_name("language", language, self.train)
        return [each for each in self.train[language] if each.text]

    def audio(self, languages: Iterable[str]) -> list[Spoken]:
        """All training utterances of these languages, written down or not."""
        missing = [name for name in languages if name not in self.train]
        if missing:
            raise unknown_name("language", missing[0], self.train)
        return [each for name in languages for each in self.train[name]]


def first_minutes(spoken: Sequence[Spoken], minutes: float, seed: int) -> list[Spoken]:
    """Utterances of about so many minutes, drawn by `seed`; fewer minutes are a part of more."""
    order = generator(seed, "labelled minutes").permutation(len(spoken))
    chosen, left_s = [], 60.0 * minutes
    for place in order:
        if left_s <= 0:
            break
        chosen.append(spoken[int(place)])
        left_s -= chosen[-1].duration_s
    return chosen


def part_off(spoken: Sequence[Spoken], seed: int) -> tuple[list[Spoken], list[Spoken]]:
    """Most utterances to train on, and a share HELD_OUT of each language to measure on."""
    kept: list[Spoken] = []
    away: list[Spoken] = []
    for name in dict.fromkeys(each.language for each in spoken):
        own = [each for each in spoken if each.language == name]
        order = generator(seed, f"held out of {name}").permutation(len(own))
        n = round(HELD_OUT * len(own))
        away += [own[int(i)] for i in order[:n]]
        kept += [own[int(i)] for i in order[n:]]
    return kept, away


class Ear:
    """The front end of a model, which hears clips one by one."""

    def __init__(self, config: SoundEncoderConfig) -> None:
        self.front: nn.Module = build_front_end(config)
        self.sample_rate = int(self.front.config.sample_rate)  # type: ignore[union-attr]

    def hear(self, clip: Clip, text: str, language: str) -> Spoken:
        """The clip's frames. Raises AudioError for a sound that cannot be used."""
        sound = clip.read(sample_rate=self.sample_rate)
        waveform = torch.from_numpy(sound.waveform)[None]
        frames, _ = self.front(waveform, torch.tensor([waveform.shape[1]]))
        return Spoken(
            frames[0].numpy(), text, language, clip.id, sound.duration_s, clip.group or clip.id
        )


def clip_languages(
    data: ClipSet,
    config: SoundEncoderConfig,
    *,
    target: str,
    transcript: str,
    language: str,
    write: Callable[[str], str],
    bounds_s: tuple[float, float],
    seed: int,
) -> Languages:
    """The clips of a manifest, whose columns `language` and `transcript` say what they are.

    Where no column has that name, a caption is the transcript; a clip without is audio to pre-train
    on. `write` brings transcripts to the symbols of the model. Clips shorter or longer than
    `bounds_s` are left out and named. The test has the target's clips of the test split; without
    one, those of a share of its recordings.
    """
    ear, faults = Ear(config), []
    train: dict[str, list[Spoken]] = {}
    test: list[Spoken] = []
    for clip in data:
        name = str(clip.extra.get(language, "") or "")
        try:
            if not name:
                raise EarShotError(
                    got=f"no {language}", expected="one", mend=f"Fill the column {language}."
                )
            heard = ear.hear(clip, write(_said(clip, transcript)), name)
        except (AudioError, EarShotError) as fault:
            faults.append(f"{clip.id}: {fault}")
            continue
        if not bounds_s[0] <= heard.duration_s <= bounds_s[1]:
            faults.append(
                f"{clip.id}: {heard.duration_s:.1f} s, not {bounds_s[0]:g} to {bounds_s[1]:g} s"
            )
        elif name == target and clip.split == "test":
            test.append(heard)
        else:
            train.setdefault(name, []).append(heard)
    return _parted(train, test, target, faults, seed)


def _said(clip: Clip, transcript: str) -> str:
    """A clip's transcript: that of the column, else its caption."""
    if transcript in clip.extra:
        return str(clip.extra[transcript] or "")
    return clip.captions[0] if clip.captions else ""


def _parted(
    train: dict[str, list[Spoken]],
    test: list[Spoken],
    target: str,
    faults: list[str],
    seed: int,
) -> Languages:
    """With a test of the target's own where there was none."""
    if target not in train:
        known = ", ".join(sorted(train)) or "none"
        raise EarShotError(
            got=f"target={target!r} and clips in {known}"
            + (f" ({'; '.join(faults[:2])})" if faults else ""),
            expected="clips in the target language",
            mend="Set target to one of these, and check the column of languages.",
        )
    if not test:
        groups = sorted({each.group for each in train[target]})
        order = generator(seed, "test recordings").permutation(len(groups))
        away = {groups[int(i)] for i in order[: max(1, round(TEST_SHARE * len(groups)))]}
        test = [each for each in train[target] if each.group in away and each.text]
        train = {**train, target: [each for each in train[target] if each.group not in away]}
    test = [each for each in test if each.text]
    if not test or not any(each.text for each in train[target]):
        raise EarShotError(
            got=f"{len(test)} transcribed clips in {target!r} to test on and "
            f"{sum(bool(each.text) for each in train[target])} to learn from",
            expected="both, of different recordings",
            mend="Transcribe more clips, or name recordings in the column group.",
        )
    return Languages(train, test, target, faults)


def stamps_languages(
    languages: Sequence[str],
    config: SoundEncoderConfig,
    *,
    target: str,
    n_test: int,
    bounds_s: tuple[float, float],
    seed: int,
) -> Languages:
    """Spoken descriptions of the set `stamps`, written in one Latin inventory.

    The test has at most `n_test` utterances of captions that are heard in no language in training.
    """
    folder = need_shared_data("stamps")
    heard, faults = hear_stamps(folder, tuple(languages), config, bounds_s)
    captions = [each.group for each in heard if each.language == target]
    away = held_out_captions(captions, TEST_SHARE, seed)
    train: dict[str, list[Spoken]] = {}
    for each in heard:
        if each.group not in away:
            train.setdefault(each.language, []).append(each)
    test = [each for each in heard if each.group in away and each.language == target]
    return Languages(train, test[:n_test], target, faults)


@lru_cache(maxsize=1)
def hear_stamps(
    folder: Path,
    languages: tuple[str, ...],
    config: SoundEncoderConfig,
    bounds_s: tuple[float, float],
) -> tuple[list[Spoken], list[str]]:
    """All spoken descriptions in these languages, heard once in a process.

    Texts with digits are left out: they are read as words.
    """
    ear, heard, faults = Ear(config), [], []
    for clip in spoken_stamps(folder, languages):
        text = str(clip.extra["transcript"])
        if has_other_letters(text):
            continue
        try:
            spoken = ear.hear(clip, latin_letters(text), str(clip.extra["language"]))
        except AudioError as fault:
            faults.append(f"{clip.id}: {fault}")
            continue
        if bounds_s[0] <= spoken.duration_s <= bounds_s[1]:
            heard.append(spoken)
    return heard, faults
