"""Tag sounds by the labels that a model was taught: its own head says how likely each one is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.engines.task import reason, windows_of
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Failure, Pace
from earshot.jobs.loading import find_checkpoint

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


@dataclass(frozen=True)
class HeadTagged:
    """A sound with every label that the model knows and its probability, best first.

    Several may be likely at once: the probabilities do not add up to 1.
    """

    path: Path | str
    labels: tuple[tuple[str, float], ...]
    duration_s: float


def own_labels(model: str | Path) -> tuple[str, ...]:
    """The labels that the head of a model of ours was taught; none for one that has no head."""
    checkpoint = find_checkpoint(model)
    found = checkpoint.extra.get("labels") if checkpoint is not None else None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        return ()
    return tuple(found)


def settings_of(embedder: Embedder, labels: Sequence[str]) -> str:
    """16 hex digits of all that the answers depend on, beside the sound."""
    return fingerprint({"model": embedder.fingerprint, "head": list(labels)})


def head_tags(
    files: Iterable[str | Path],
    embedder: Embedder,
    labels: Sequence[str],
    *,
    skip: Callable[[Path | str], bool] = lambda path: False,
    pace: Pace | None = None,
) -> Iterator[HeadTagged | Failure]:
    """One answer at a time, in the order of the files; without those to skip.

    A sound longer than the model's window has, for each label, the mean over its windows.
    """
    if pace is not None:
        pace.start()
    for path in find_sounds(files):
        if skip(path):
            continue
        try:
            chances, duration_s = _chances(path, embedder, len(labels))
        except Exception as fault:  # one sound must not end a job over many
            yield Failure(path, reason(fault))
            continue
        if pace is not None:
            pace.add(duration_s)
        order = np.argsort(-chances, kind="stable")
        yield HeadTagged(path, tuple((labels[i], float(chances[i])) for i in order), duration_s)


def _chances(path: Path | str, embedder: Embedder, n_labels: int) -> tuple[np.ndarray, float]:
    """The mean probabilities [labels] of a sound's windows, and its seconds."""
    import torch

    total, n_windows, end_s = np.zeros(n_labels), 0, 0.0
    model, encoder = embedder.model, cast(Any, embedder.model.audio_encoder)
    with torch.inference_mode():
        for window in windows_of(path, embedder)():
            waveform = torch.from_numpy(np.ascontiguousarray(window.waveform, np.float32))[None]
            waveform = waveform.to(embedder.device)
            n_samples = torch.tensor([waveform.shape[1]], device=embedder.device)
            logits = encoder.logits(*model.frames(waveform, n_samples))
            total += logits[0].sigmoid().double().cpu().numpy()
            n_windows, end_s = n_windows + 1, window.end_s
    if not n_windows:
        raise EarShotError(got="no window", expected="sound", mend="Leave the file out.")
    return total / n_windows, end_s
