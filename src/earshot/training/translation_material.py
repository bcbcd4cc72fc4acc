"""What a speech translator learns from and is tested on: clips of a manifest, or the set stamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from earshot.core.seed import generator
from earshot.data import ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.shared import need_shared_data
from earshot.data.spoken_stamps import held_out_captions, written_stamps
from earshot.data.utterances import Utterance
from earshot.models.speech_to_text import SpeechToTextConfig
from earshot.text.vocabulary import Kind
from earshot.training.utterances import hear_clips, hear_stamps, source_of


@dataclass(frozen=True)
class Material:
    """Utterances by use; `faults` says of each clip that was left out why."""

    texts: list[Utterance]  # of training: for the stage that reads, beside those of `train`
    train: list[Utterance]
    test: list[Utterance]
    faults: list[str] = field(default_factory=list)


def clip_material(
    data: ClipSet,
    speech: SpeechToTextConfig,
    *,
    transcript: str,
    kind: Kind,
    longest_s: float,
    seed: int,
) -> Material:
    """The clips of a manifest, heard once by the front end of `speech`; no further texts.

    `transcript` names the column of what is said, the first caption is its translation.
    """
    (train, faults), (test, more) = (
        hear_clips(part, speech, transcript=transcript, kind=kind, longest_s=longest_s)
        for part in train_and_test(data, seed)
    )
    return Material([], train, test, [*faults, *more])


def stamps_material(
    languages: Sequence[str],
    speech: SpeechToTextConfig,
    *,
    kind: Kind,
    longest_s: float,
    held_out: float,
    n_test: int,
    seed: int,
) -> Material:
    """Spoken descriptions in `languages`, and written ones in all languages of the set.

    The test has at most `n_test` utterances, of a share `held_out` of the captions, drawn by
    `seed`: these are in no training text of any language.
    """
    folder = need_shared_data("stamps")
    heard, faults = hear_stamps(folder, tuple(languages), speech, kind, longest_s)
    away = held_out_captions([each.target for each in heard], held_out, seed)
    written = [
        Utterance(source_of(text, kind), caption, id=f"{language}/{number}")
        for number, (language, text, caption) in enumerate(written_stamps(folder))
    ]
    test = [each for each in heard if each.target in away]
    order = generator(seed, "stamps for testing").permutation(len(test))
    return Material(
        texts=[each for each in written if each.source and each.target not in away],
        train=[each for each in heard if each.target not in away],
        test=[test[int(i)] for i in order[:n_test]],
        faults=faults,
    )
