"""What is said in sounds, in another language: by a model that `earshot run ctc_ot` trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.engines.task import FileWindows, reason
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Answers, Failure, Pace
from earshot.models.restoring import restore, to_device

if TYPE_CHECKING:
    import numpy as np

    from earshot.models.speech_to_text import SpeechToText
    from earshot.text.vocabulary import Vocabulary

RECIPE = "ctc_ot"
SHORTEST_S = 0.1  # shorter sounds are heard with silence after them
MEND = "Copy the folder again, weights and earshot.json together."


@dataclass(frozen=True)
class Translated:
    """A sound with what is said in it, in `language`; `text` is empty where nothing was written."""

    path: Path | str
    text: str
    language: str
    duration_s: float


@dataclass(frozen=True)
class Translator:
    """A trained model on its device, with the vocabulary that it writes."""

    model: SpeechToText
    vocabulary: Vocabulary
    language: str  # that it writes
    window_s: float  # longer sounds are heard in windows, one after the other
    sample_rate: int  # Hz
    n_beams: int

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of all that the texts depend on, beside the sound."""
        facts = {
            "vocabulary": self.vocabulary.to_dict(),
            "language": self.language,
            "window_s": self.window_s,
            "n_beams": self.n_beams,
        }
        return fingerprint(facts, self.model.state_dict())

    def write(self, waveform: np.ndarray) -> str:
        """What is said in a waveform [samples] at `sample_rate`, by beam search."""
        import numpy as np
        import torch

        missing = max(0, round(SHORTEST_S * self.sample_rate) - len(waveform))
        sound = torch.from_numpy(np.pad(waveform, (0, missing)))[None].to(self.model.model.device)
        with torch.inference_mode():
            states = self.model.hear(sound, torch.tensor([sound.shape[1]], device=sound.device))
            [ids] = self.model.write(states, n_beams=self.n_beams)
        return self.vocabulary.decode(ids)

    def translate(self, path: Path | str) -> Translated:
        """What is said in a file or an object behind a URL; memory is that of a window."""
        texts, end_s = [], 0.0
        for window in FileWindows(path, self.sample_rate, self.window_s, self.window_s)():
            texts.append(self.write(window.waveform))
            end_s = window.end_s
        return Translated(path, " ".join(filter(None, texts)), self.language, end_s)


def translate(
    files: str | Path | Iterable[str | Path],
    *,
    to: str = "en",
    model: str | Path,
    n_beams: int | None = None,
    device: str = "cpu",
) -> Answers[Translated]:
    """What is said in each sound, in the language `to`. Folders are walked.

    model: the folder of a run of ctc_ot. n_beams: the width of the search, the run's own if left
    out. `failures` of the answers lists what failed.
    """
    files = [files] if isinstance(files, str | Path) else list(files)
    translator = load_translator(Path(model), to=to, n_beams=n_beams, device=device)
    answers: Answers[Translated] = Answers()
    for answer in translate_each(files, translator):
        if isinstance(answer, Failure):
            answers.failures.append(answer)
        else:
            answers.append(answer)
    return answers


def translate_each(
    files: Iterable[str | Path],
    translator: Translator,
    *,
    skip: Callable[[Path | str], bool] = lambda path: False,
    pace: Pace | None = None,
) -> Iterator[Translated | Failure]:
    """One answer at a time as they are ready, in the order of the files; without those to skip."""
    if pace is not None:
        pace.start()
    for path in find_sounds(files):
        if skip(path):
            continue
        try:
            done = translator.translate(path)
        except (EarShotError, OSError) as fault:
            yield Failure(path, reason(fault))
            continue
        if pace is not None:
            pace.add(done.duration_s)
        yield done


def load_translator(
    folder: Path, *, to: str = "en", n_beams: int | None = None, device: str = "cpu"
) -> Translator:
    """The model in a run's folder. Raises EarShotError where it cannot translate sound to `to`."""
    from earshot.recipes import find_recipe
    from earshot.text.vocabulary import Vocabulary

    checkpoint = read_checkpoint(folder.expanduser())
    words = checkpoint.extra.get("vocabularies")
    if checkpoint.recipe != RECIPE or not isinstance(words, dict):
        raise EarShotError(
            got=f"{folder}, a model of recipe {checkpoint.recipe!r}",
            expected="a model that translates speech",
            mend="Train one: earshot run ctc_ot --preset small_speech --data YOUR.csv",
        )
    if words.get("language") != to:
        raise EarShotError(
            got=f"--to {to} for {folder}, which writes {words.get('language')!r}",
            expected=f"--to {words.get('language')}",
            mend="Name the language that the model was taught, or another model.",
        )
    recipe = find_recipe(RECIPE)
    config = from_dict(recipe.Config, checkpoint.config)
    model: SpeechToText = restore(checkpoint, lambda: recipe.build(config))
    if model.sample_rate is None:
        raise EarShotError(
            got=f"{folder}, which hears the frames of a toy language",
            expected="a model that hears sound",
            mend="Train one: earshot run ctc_ot --preset small_speech --data YOUR.csv",
        )
    return Translator(
        to_device(model, device).eval(),
        Vocabulary.from_dict(words.get("target", {})),
        to,
        config.longest_s,
        model.sample_rate,
        config.n_beams if n_beams is None else n_beams,
    )
