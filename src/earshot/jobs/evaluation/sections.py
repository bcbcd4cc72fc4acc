"""Results side by side: the models that were measured on the same task and clips, and how each
differs from the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from earshot.jobs.evaluation.result import Difference, Evaluation, differences

NO_SHARES = (  # ranks, counts and what may exceed 1
    "median_rank", "n_labels_scored", "2D", "3D",
    "cider_d", "spider", "spider_fl", "vocabulary", "vocabulary_ratio",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Section:
    """One task on one set of clips: a result a model, in the order given."""

    results: list[Evaluation]
    models: list[str]  # what the results' models are called here

    @property
    def title(self) -> str:
        """Task, clips and how many."""
        first = self.results[0]
        sizes = list(dict.fromkeys(str(result.n) for result in self.results))
        return f"{first.task} on {first.data}: {' or '.join(sizes)} {first.counted}"

    @property
    def figures(self) -> list[str]:
        """Names of the figures of any of the results, in order."""
        return list(dict.fromkeys(name for result in self.results for name in result.metrics))

    @property
    def labels(self) -> list[str]:
        """Labels that any result has a figure of."""
        found = [result.details.get("per_class", {}) for result in self.results]
        return sorted({label for each in found for label in each})

    def differences(self) -> list[tuple[str, list[Difference]]]:
        """Every later model less the first one, by its name; nothing where none can be paired."""
        first = self.results[0]
        found = [
            (name, differences(result, first))
            for name, result in zip(self.models[1:], self.results[1:], strict=True)
        ]
        return [(name, each) for name, each in found if each]


def sections(results: Sequence[Evaluation]) -> list[Section]:
    """The results by task and clips, in the order of the first of each."""
    by_place: dict[tuple[str, str], list[Evaluation]] = {}
    for result in results:
        by_place.setdefault((result.task, result.data), []).append(result)
    return [Section(each, short_names([r.model for r in each])) for each in by_place.values()]


def short_names(models: Sequence[str]) -> list[str]:
    """Models by the last part of their path, where that tells them apart."""
    last = [PurePath(model).name or model for model in models]
    return last if len(set(last)) == len(set(models)) else list(models)


def is_share(figure: str) -> bool:
    """True for figures between 0 and 1."""
    return figure.rpartition("/")[2] not in NO_SHARES
