"""Zero-shot: how well a model names sounds by words alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from earshot.jobs.evaluation.naming import naming_figures
from earshot.jobs.evaluation.result import Evaluation, evaluation_of
from earshot.jobs.prompts import TEMPLATES, Prompts, label_vectors, name_of_prompts

if TYPE_CHECKING:
    from earshot.jobs.evaluation.clips import HeardClips
    from earshot.models.embedder import Embedder


def measure_zero_shot(
    heard: HeardClips,
    embedder: Embedder,
    labels: Sequence[str],
    prompts: Prompts = TEMPLATES,
) -> Evaluation:
    """Accuracy, top-5 and balanced accuracy; mAP and AUC where clips have several labels.

    A clip's label is the one whose vector, the mean over `prompts`, has the highest cosine.
    """
    cosines = heard.sounds @ label_vectors(labels, embedder, prompts).T  # [clips, labels]
    own = [clip.labels for clip in heard.clips]
    found, details = naming_figures(cosines, own, labels, heard.groups, several=heard.several)
    return evaluation_of(
        "zero-shot",
        found,
        embedder,
        data=heard.name,
        n=len(heard.clips),
        items=heard.ids,
        details={**details, "prompts": name_of_prompts(prompts)},
        failures=heard.failures,
    )
