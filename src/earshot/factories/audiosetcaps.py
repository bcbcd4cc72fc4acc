"""AudioSetCaps: labelled clips to rich captions and questions (arXiv:2411.18953).

paper                        here                              differs from the paper
content extraction           llm_extract.py, extract.py        a tagger and probes unless asked
negative answers             notes.py                          sentence by sentence
questions and answers        questions.py
caption generation           write.py, rule_write.py           by rule unless asked
CLAP refinement              gate.py                           the best of K is kept
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from earshot.core.errors import EarShotError
from earshot.factories.extract import RuleExtractor
from earshot.factories.factory import Factory
from earshot.factories.gate import ClapScorer, Equalise, Gate
from earshot.factories.llm_extract import LlmExtractor
from earshot.factories.notes import NoteFilter
from earshot.factories.questions import NoteQuestions
from earshot.factories.rule_write import RuleWriter
from earshot.factories.stage import Stage
from earshot.factories.tagger import Tagger
from earshot.factories.write import LlmWriter, Writer, WriteStage
from earshot.llm import LlmClient, LlmConfig
from earshot.models.embedder import Embedder
from earshot.models.ready import ready_embedder

KEY = "audiosetcaps"


@dataclass(frozen=True)
class Settings:
    """What the factory is made from."""

    model: str = "earshot-small"  # names sounds and judges captions: a name, folder or file
    listen: Literal["rule", "llm"] = "rule"  # llm: a language model with ears hears the clips
    llm: LlmConfig | None = None  # writes the captions; by rule if None
    llm_cache: str = ""  # the folder of answers that were paid for; none is kept if empty
    audio_llm: LlmConfig | None = None  # that listens; `llm` if None
    tag: bool = True  # name sounds beside the labels, with listen="rule"
    tries: int = 2  # captions written for a clip; 0 takes the gate away
    compat: Literal["best", "released"] = "best"  # released: the paper's code, its slips too
    below: Literal["keep", "reject"] = "keep"  # captions that fit less well than the labels
    equalise: Equalise = "spaced"  # released: the paper's formula, which glues words together
    questions: bool = True
    max_words: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (self.listen not in ("rule", "llm"), f"listen={self.listen!r}", "rule or llm"),
            (self.listen == "llm" and not (self.llm or self.audio_llm),
             "listen='llm' without a language model", "one with ears under llm or audio_llm"),
            (self.tries < 0, f"tries={self.tries}", "0 or more"),
            (self.max_words < 5, f"max_words={self.max_words}", "5 or more"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that setting.")


def factory(settings: Settings, *, load: Callable[[str], Embedder] = ready_embedder) -> Factory:
    """The stages: extract, questions, filter_notes, and the gate with its writer.

    `load` finds the model of `settings.model`; it is not called where nothing listens.
    """
    listens = settings.tries > 0 or (settings.listen == "rule" and settings.tag)
    ears = load(settings.model) if listens else None
    stages: list[Stage] = [_extractor(settings, ears)]
    if settings.questions:
        stages.append(NoteQuestions())
    released = settings.compat == "released"
    stages.append(NoteFilter("released" if released else "sentences"))
    writer = _writer(settings)
    if settings.tries == 0 or ears is None:
        stages.append(WriteStage(writer))
    else:
        stages.append(
            Gate(
                writer,
                ClapScorer(ears),
                tries=settings.tries,
                compat=settings.compat,
                below=settings.below,
                equalise="released" if released else settings.equalise,
            )
        )
    return Factory(KEY, tuple(stages), settings)


def _extractor(settings: Settings, ears: Embedder | None) -> Stage:
    if settings.listen == "llm":
        config = settings.audio_llm or settings.llm
        assert config is not None
        return LlmExtractor(_client(config, settings))
    return RuleExtractor(Tagger(ears) if settings.tag and ears is not None else None)


def _writer(settings: Settings) -> Writer:
    if settings.llm is None:
        return RuleWriter(settings.max_words, settings.seed)
    return LlmWriter(_client(settings.llm, settings), max_words=settings.max_words)


def _client(config: LlmConfig, settings: Settings) -> LlmClient:
    return LlmClient(config, Path(settings.llm_cache) if settings.llm_cache else None)
