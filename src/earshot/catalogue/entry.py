"""One entry of the catalogue: every cell filled, "none" where nothing can stand there."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("models", "objectives", "tasks", "datasets", "benchmarks")
ARCHITECTURES = {  # as the survey sorts models, and what it counts as their parts
    "two towers": "sound and text apart, into one space",
    "many towers": "two towers, with pictures or video beside them",
    "two heads": "an audio encoder in front of a language model",
    "one head": "one network over both from the start",
    "cooperated": "a language model that calls expert models",
    "encoder": "sound alone into vectors",
    "encoder-decoder": "an encoder whose states a decoder attends to",
    "codec": "sound into a few tokens and back",
    "codec language model": "a language model over a codec's tokens",
    "diffusion": "noise taken away step by step",
    "separator": "a mask over a mixture",
    "adversarial": "a generator against a critic",
    "decoding rule": "another way to read out a model that is there",
    "data factory": "models in a row that make data",
    "benchmark": "questions and how to mark them",
}
STAGES = {
    "P1": "pre-training on one modality",
    "P2": "pre-training on sound and language",
    "T1": "fine-tuning for one task",
    "T2": "many tasks, by instructions or examples",
    "T3": "cooperation, without new weights",
    "data": "making data",
    "eval": "measuring",
}
NONE = "none"


@dataclass(frozen=True)
class Entry:
    """A model, objective, task, data set or benchmark, and its place in the taxonomy.

    The cells are those of the survey's tables: for a model what it is; for an objective and a task
    where it is at home; for a data set and a benchmark what it is of and where its sound comes
    from (`data`). `config` is the way to it from here: a command, a class, a layout. Source:
    arXiv:2501.15177.
    """

    kind: str  # one of KINDS
    name: str  # a slug of lower case, with the owner in front where names collide
    title: str
    family: str  # what it is listed under: of a model that of its paper
    architecture: str  # one of ARCHITECTURES, or none
    objectives: tuple[str, ...]  # names of objectives
    stage: tuple[str, ...]  # some of STAGES
    tasks: tuple[str, ...]  # names of tasks
    modalities: tuple[str, ...]
    data: tuple[str, ...]  # names of data sets and of where sound comes from; else in words
    license: str
    config: str
    reference: str

    @property
    def cells(self) -> dict[str, str | tuple[str, ...]]:
        """All cells by name, as they are printed."""
        return {name: getattr(self, name) for name in CELLS}


CELLS = (
    "name", "title", "kind", "family", "architecture", "objectives", "stage", "tasks",
    "modalities", "data", "license", "config", "reference",
)  # fmt: skip
LISTS = ("objectives", "stage", "tasks", "modalities", "data")
