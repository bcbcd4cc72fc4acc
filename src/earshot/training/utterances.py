"""Clips heard once: their frames kept beside transcript and translation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch

from earshot.audio import AudioError
from earshot.core.errors import EarShotError
from earshot.data import Clip
from earshot.data.spoken_stamps import spoken_stamps
from earshot.data.utterances import Utterance
from earshot.models.speech_to_text import SpeechToTextConfig, front_end_of
from earshot.text.spelling import spoken_letters
from earshot.text.vocabulary import Kind


def hear_clips(
    clips: Sequence[Clip],
    speech: SpeechToTextConfig,
    *,
    transcript: str,
    kind: Kind,
    longest_s: float,
) -> tuple[list[Utterance], list[str]]:
    """The frames of every clip with its transcript and first caption; and what could not be used.

    Frames are those of the front end of `speech`. `transcript` names the column of what is said; of
    characters only the spoken letters are kept. Clips longer than `longest_s` are left out and
    named. Memory: 4 bytes a band and frame, 115 MB an hour of 80 bands at 100 frames a second.
    """
    front, settings = front_end_of(speech), speech.log_mel or speech.fbank
    if front is None or settings is None:
        raise EarShotError(
            got="clips of sound for a model of frames",
            expected="a model with a front end",
            mend="Use --preset small_speech, or set speech.fbank.",
        )
    heard, faults = [], []
    for clip in clips:
        source = source_of(str(clip.extra.get(transcript, "") or ""), kind)
        if not source or not clip.captions:
            faults.append(f"{clip.id}: no {'caption' if source else transcript}")
            continue
        try:
            sound = clip.read(sample_rate=settings.sample_rate)
        except AudioError as fault:
            faults.append(f"{clip.id}: {fault}")
            continue
        if sound.duration_s > longest_s:
            faults.append(f"{clip.id}: {sound.duration_s:.1f} s, longer than {longest_s:g} s")
            continue
        waveform = torch.from_numpy(sound.waveform)[None]
        frames, _ = front(waveform, torch.tensor([waveform.shape[1]]))
        heard.append(Utterance(source, clip.captions[0], frames[0].numpy(), clip.id))
    if not heard:
        raise EarShotError(
            got=f"{len(clips)} clips, none of which can be used ({'; '.join(faults[:3])})",
            expected=f"clips with a column {transcript} and a caption, the translation",
            mend=f"Name the transcripts' column {transcript}, or set `transcript` to its name.",
        )
    return heard, faults


@lru_cache(maxsize=1)
def hear_stamps(
    folder: Path,
    languages: tuple[str, ...],
    speech: SpeechToTextConfig,
    kind: Kind,
    longest_s: float,
) -> tuple[list[Utterance], list[str]]:
    """The spoken descriptions below `folder` with their frames, heard once in a process."""
    clips = spoken_stamps(folder, languages)
    return hear_clips(clips, speech, transcript="transcript", kind=kind, longest_s=longest_s)


def source_of(text: str, kind: Kind) -> str:
    """A transcript as its vocabulary splits it."""
    return spoken_letters(text) if kind == "characters" else " ".join(text.split())
