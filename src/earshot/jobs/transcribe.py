"""What is said in sounds, as a recogniser hears it: letters, words and when they were said."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.checkpoint import is_checkpoint, read_checkpoint
from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.engines.task import FileWindows, reason
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Answers, Failure, Pace
from earshot.jobs.rebuild import rebuild

if TYPE_CHECKING:
    import numpy as np

    from earshot.audio import Window
    from earshot.models.recognizer import Recognizer

OVERLAP = 0.2  # of a window that the next one hears too; each says its own half of that
TRAIN = "Train one: earshot run ainu_adaptation --data YOUR.csv"


@dataclass(frozen=True)
class Word:
    """A word, and when it was said; to about 20 ms."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Transcribed:
    """A sound with what is said in it; `words` are empty where nothing was heard."""

    path: Path | str
    words: tuple[Word, ...]
    duration_s: float

    @property
    def text(self) -> str:
        """All words, a space between them."""
        return " ".join(each.word for each in self.words)


@dataclass(frozen=True)
class Transcriber:
    """A recogniser on its device, with the text of each of its symbols; symbol 0 is the blank."""

    model: Recognizer
    symbols: tuple[str, ...]
    device: str = "cpu"

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of all that the texts depend on, beside the sound."""
        facts = {
            "symbols": list(self.symbols),
            "front_end": repr(self.model.features.config),
            "window_s": self.model.window_s,
            "overlap": OVERLAP,
        }
        return fingerprint(facts, self.model.state_dict())

    def transcribe(self, path: Path | str) -> Transcribed:
        """What is said in a file or an object behind a URL; memory is that of a window.

        Longer sounds are heard in windows that overlap; each position is taken from the window in
        which it lies farther from the edge, so that no word is cut.
        """
        model = self.model
        hop_s = (1 - OVERLAP) * model.window_s
        windows = FileWindows(path, model.sample_rate, model.window_s, hop_s)()
        best: list[tuple[float, int]] = []
        begin_s, end_s, window = 0.0, 0.0, next(windows, None)
        while window is not None:
            after, end_s = next(windows, None), window.end_s
            until_s = math.inf if after is None else (after.start_s + window.end_s) / 2
            best += [each for each in self._positions(window) if begin_s <= each[0] < until_s]
            begin_s, window = until_s, after
        return Transcribed(path, self.words(best, end_s), end_s)

    def words(self, best: Sequence[tuple[float, int]], end_s: float) -> tuple[Word, ...]:
        """Words of the best symbol of each position, beside its time in seconds.

        Repeats are joined and blanks dropped; a word lasts from its first position to its last.
        """
        step_s, found = self.model.seconds_a_position, []
        letters, start_s, last_s = "", 0.0, 0.0
        for symbol, places in groupby(best, key=lambda each: each[1]):
            said = self.symbols[symbol]
            if said.strip():
                times = [time_s for time_s, _ in places]
                start_s = start_s if letters else times[0]
                letters, last_s = letters + said.strip(), times[-1] + step_s
            if letters and said.endswith(" "):
                found.append(Word(letters, round(start_s, 3), round(min(last_s, end_s), 3)))
                letters = ""
        if letters:
            found.append(Word(letters, round(start_s, 3), round(min(last_s, end_s), 3)))
        return tuple(found)

    def _positions(self, window: Window) -> Iterator[tuple[float, int]]:
        """The time of each position of a window in the sound, and its best class."""
        import torch

        waveform: np.ndarray = window.waveform
        sound = torch.from_numpy(waveform)[None].to(self.device)
        with torch.inference_mode():
            heard = self.model.hear(sound, torch.tensor([sound.shape[1]], device=self.device))
        best = heard.logits[0, : int(heard.n_positions[0])].argmax(-1)
        step_s = self.model.seconds_a_position
        for place, each in enumerate(best.tolist()):
            yield window.start_s + place * step_s, each


def transcribe(
    files: str | Path | Iterable[str | Path], *, model: str | Path, device: str = "cpu"
) -> Answers[Transcribed]:
    """What is said in each sound. Folders are walked; `failures` lists what failed.

    model: the run folder of a recogniser, or a `transformers` folder of Wav2Vec2ForCTC, HuBERT,
    WavLM or data2vec for CTC with its vocab.json.
    """
    files = [files] if isinstance(files, str | Path) else list(files)
    transcriber = load_transcriber(Path(model), device=device)
    answers: Answers[Transcribed] = Answers()
    for answer in transcribe_each(files, transcriber):
        if isinstance(answer, Failure):
            answers.failures.append(answer)
        else:
            answers.append(answer)
    return answers


def transcribe_each(
    files: Iterable[str | Path],
    transcriber: Transcriber,
    *,
    skip: Callable[[Path | str], bool] = lambda path: False,
    pace: Pace | None = None,
) -> Iterator[Transcribed | Failure]:
    """One answer at a time as they are ready, in the order of the files; without those to skip."""
    if pace is not None:
        pace.start()
    for path in find_sounds(files):
        if skip(path):
            continue
        try:
            done = transcriber.transcribe(path)
        except (EarShotError, OSError) as fault:
            yield Failure(path, reason(fault))
            continue
        if pace is not None:
            pace.add(done.duration_s)
        yield done


def load_transcriber(folder: Path, *, device: str = "cpu") -> Transcriber:
    """The recogniser in a folder. Raises EarShotError where it holds another kind of model."""
    folder = folder.expanduser()
    model, symbols = _run(folder) if is_checkpoint(folder) else _library(folder)
    try:
        model.to(device)
    except (RuntimeError, AssertionError) as fault:
        raise EarShotError(
            got=f"device {device!r} ({str(fault).partition(chr(10))[0][:120]})",
            expected="cpu, cuda or mps",
            mend="Name a device that torch finds on this machine.",
        ) from fault
    return Transcriber(model.eval(), symbols, device)


def _run(folder: Path) -> tuple[Recognizer, tuple[str, ...]]:
    """A model that was trained here."""
    from earshot.models.recognizer import Recognizer
    from earshot.text.vocabulary import SPECIAL, Vocabulary

    checkpoint = read_checkpoint(folder)
    facts = checkpoint.extra.get("vocabulary")
    model = rebuild(checkpoint) if isinstance(facts, dict) else None
    if not isinstance(model, Recognizer) or not isinstance(facts, dict):
        raise EarShotError(
            got=f"{folder}, a model of recipe {checkpoint.recipe!r}",
            expected="a model that recognises speech",
            mend=TRAIN,
        )
    vocabulary = Vocabulary.from_dict(facts)
    between = "" if vocabulary.kind == "characters" else " "
    written = [f"{symbol}{between}" for symbol in vocabulary.symbols]
    texts = [*("" for _ in SPECIAL), *written]
    return model, tuple(texts + [""] * (model.head.out_features - len(texts)))


def _library(folder: Path) -> tuple[Recognizer, tuple[str, ...]]:
    """A recogniser that `transformers` saved."""
    from earshot.models.loading.ctc_folder import load_ctc_folder
    from earshot.models.loading.wav2vec2 import is_wav2vec2_folder

    if not is_wav2vec2_folder(folder):
        raise EarShotError(
            got=f"{folder}, which holds no recogniser",
            expected="the folder of a run, or one of Wav2Vec2ForCTC with its vocab.json",
            mend=TRAIN,
        )
    model, symbols, _ = load_ctc_folder(folder)
    return model, symbols
