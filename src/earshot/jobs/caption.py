"""Sentences for sounds: what is heard, window by window, in a captioner's words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.checkpoint import is_checkpoint, read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.engines.task import FileWindows, reason
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Answers, Failure, Pace, collected
from earshot.models.restoring import restore, to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from earshot.audio import Window
    from earshot.decoders.choosing import CaptionPlan, Rerank
    from earshot.decoders.decoding import Candidate
    from earshot.models.captioner import Captioner
    from earshot.models.fluency_judge import FluencyJudge

BATCH = 8  # windows that are captioned at once, over files
TRAIN = "Train one: earshot run soft_hard_prompts --data CAPTIONS.csv"


@dataclass(frozen=True)
class CaptionedWindow:
    """What is heard from `start_s` to `end_s`; `score` is the writer's mean log-probability."""

    start_s: float
    end_s: float
    caption: str
    score: float


@dataclass(frozen=True)
class Captioned:
    """A sound with a caption for each of its windows, in order."""

    path: Path | str
    windows: tuple[CaptionedWindow, ...]
    duration_s: float

    @property
    def caption(self) -> str:
        """What is heard, without saying the same twice in a row."""
        said = [each.caption for each in self.windows if each.caption]
        fresh = [text for i, text in enumerate(said) if i == 0 or text != said[i - 1]]
        return " / ".join(fresh)


@dataclass(frozen=True)
class CaptionWriter:
    """A captioner on its device, how it looks for its words, and what refuses some of them."""

    model: Captioner
    plan: CaptionPlan
    device: str = "cpu"
    fluency: FluencyJudge | None = None

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of all that the captions depend on, beside the sound."""
        facts = {
            "plan": to_dict(self.plan),
            "fluency": self.fluency is not None,
            **self.model.facts,
        }
        return fingerprint(facts, self.model.state_dict())

    def windows_of(self, path: Path | str) -> FileWindows:
        """A file in the windows that the model hears, one after the other."""
        return FileWindows(path, self.model.sample_rate, self.model.window_s, self.model.window_s)

    def write(self, windows: Sequence[Window]) -> list[Candidate]:
        """The surest caption of each window."""
        import torch

        n_samples = torch.tensor([len(window.waveform) for window in windows])
        waveform = torch.zeros(len(windows), int(n_samples.max()))
        for row, window in zip(waveform, windows, strict=True):
            row[: len(window.waveform)] = torch.from_numpy(window.waveform)
        with torch.inference_mode():
            found = self.model.chosen(
                waveform.to(self.device), n_samples.to(self.device), self.plan, self.is_fluent
            )
        return [candidates[0] for candidates in found]

    def is_fluent(self, text: str) -> bool:
        """Whether the detector of fluency errors lets a text pass; without one all do."""
        from earshot.metrics.caption_metrics import FLUENCY_THRESHOLD

        return self.fluency is None or float(self.fluency([text])[0]) <= FLUENCY_THRESHOLD


@dataclass
class _File:
    """A file whose windows are on their way."""

    path: Path | str
    windows: list[CaptionedWindow] = field(default_factory=list)
    n_waiting: int = 0
    read: bool = False  # to its end
    error: str = ""

    @property
    def is_done(self) -> bool:
        return bool(self.error) or (self.read and not self.n_waiting)

    def answer(self) -> Captioned | Failure:
        if self.error:
            return Failure(self.path, self.error)
        return Captioned(self.path, tuple(self.windows), self.windows[-1].end_s)


def caption(
    files: str | Path | Iterable[str | Path],
    *,
    model: str | Path | None = None,
    n_beams: int = 4,
    n_samples: int = 0,
    rerank: Rerank | None = None,
    max_tokens: int = 40,
    device: str = "cpu",
) -> Answers[Captioned]:
    """A caption for each window of each sound. Folders are walked; `failures` lists what failed.

    model: the run folder of a captioner. n_beams: the width of the search; 1 is greedy. n_samples:
    so many captions are drawn instead. rerank: which candidate is taken, as `load_writer` has it. A
    sound longer than the model's window has a caption for each window, with its times.
    """
    files = [files] if isinstance(files, str | Path) else list(files)
    writer = load_writer(
        model,
        n_beams=n_beams,
        n_samples=n_samples,
        rerank=rerank,
        max_tokens=max_tokens,
        device=device,
    )
    return collected(caption_each(files, writer))


def caption_each(
    files: Iterable[str | Path],
    writer: CaptionWriter,
    *,
    skip: Callable[[Path | str], bool] = lambda path: False,
    pace: Pace | None = None,
) -> Iterator[Captioned | Failure]:
    """One answer at a time as they are ready, in the order of the files; without those to skip.

    Windows are captioned BATCH at a time, whosesoever they are; more are never in memory.
    """
    if pace is not None:
        pace.start()
    open_files: deque[_File] = deque()
    waiting: list[tuple[_File, Window]] = []
    for path in find_sounds(files):
        if skip(path):
            continue
        file = _File(path)
        open_files.append(file)
        try:
            for window in writer.windows_of(path)():
                waiting.append((file, window))
                file.n_waiting += 1
                if len(waiting) == BATCH:
                    _write(writer, waiting)
                    yield from _finished(open_files, pace)
        except (EarShotError, OSError) as fault:
            file.error = reason(fault)
            waiting = [each for each in waiting if each[0] is not file]
        file.read = True
        yield from _finished(open_files, pace)
    _write(writer, waiting)
    yield from _finished(open_files, pace)


def _write(writer: CaptionWriter, waiting: list[tuple[_File, Window]]) -> None:
    """Caption what waits, and leave nothing waiting."""
    if waiting:
        found = writer.write([window for _, window in waiting])
        for (file, window), best in zip(waiting, found, strict=True):
            file.windows.append(
                CaptionedWindow(window.start_s, window.end_s, best.text, best.score)
            )
            file.n_waiting -= 1
    waiting.clear()


def _finished(open_files: deque[_File], pace: Pace | None) -> Iterator[Captioned | Failure]:
    """The answers of the first files as far as they are done, which are then forgotten."""
    while open_files and open_files[0].is_done:
        answer = open_files.popleft().answer()
        if pace is not None and isinstance(answer, Captioned):
            pace.add(answer.duration_s)
        yield answer


def load_writer(
    model: str | Path | None,
    *,
    n_beams: int = 4,
    n_samples: int = 0,
    top_p: float = 0.95,
    temperature: float = 0.5,
    rerank: Rerank | None = None,
    max_tokens: int = 40,
    device: str = "cpu",
) -> CaptionWriter:
    """The captioner in a run's folder, ready to write.

    Candidates are `n_samples` draws, or else beams, as `CaptionPlan.of` makes them. Of those
    "likelihood" takes the surest, "encoder" the one nearest to the sound by the captioner's own
    head, "hybrid" the best by 0.3 of the first and 0.7 of the second, "clap" the nearest by a CLAP.
    With "hybrid" the detector of fluency errors refuses candidates where its file is at hand; where
    it refuses all, the best stays.

    Raises EarShotError without a model, where the folder holds none that captions, and for a way to
    rerank that the captioner has no judge for.
    """
    from earshot.decoders.choosing import JUDGES, CaptionPlan
    from earshot.jobs.evaluation.captions import fluency_judge

    drawn = {"top_p": top_p, "temperature": temperature} if n_samples else {}
    plan = CaptionPlan.of(
        n_beams=n_beams, n_samples=n_samples, rerank=rerank, max_tokens=max_tokens, **drawn
    )
    if model is None:
        raise EarShotError(
            got="no model to caption with, and none ships with EarShot",
            expected="--model RUN, the folder of a captioner",
            mend=TRAIN,
        )
    captioner = load_captioner(Path(model).expanduser())
    if plan.judge is not None and plan.judge not in captioner.judges:
        offered = [way for way, judge in JUDGES.items() if judge in captioner.judges]
        raise EarShotError(
            got=f"--rerank {plan.rerank} with {model}, a captioner without that judge",
            expected=" or ".join(["likelihood", *offered]),
            mend="Choose that, or leave --rerank out.",
        )
    fluency = None
    if plan.rerank == "hybrid":
        fluency = fluency_judge(device=device)
    return CaptionWriter(to_device(captioner, device).eval(), plan, device, fluency)


def load_captioner(folder: Path) -> Captioner:
    """The captioner that a recipe left in `folder`, on the CPU."""
    from earshot.models.captioner import Captioner
    from earshot.recipes import find_recipe

    if not is_checkpoint(folder):
        raise _no_captioner(f"{folder}, which is no run's folder")
    checkpoint = read_checkpoint(folder)
    recipe = find_recipe(checkpoint.recipe)
    build = getattr(recipe, "build", None)
    if build is None:
        raise _no_captioner(f"{folder}, a run of {checkpoint.recipe!r}")
    config = from_dict(recipe.Config, checkpoint.config)

    def built() -> Captioner:
        made = build(config)
        if not isinstance(made, Captioner):
            raise _no_captioner(f"{folder}, a model of recipe {checkpoint.recipe!r}")
        return made

    captioner = restore(checkpoint, built)
    captioner.load_beside(folder)
    return captioner


def _no_captioner(got: str) -> EarShotError:
    return EarShotError(got=got, expected="a model that captions sound", mend=TRAIN)
