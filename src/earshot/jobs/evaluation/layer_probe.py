"""Layer probe: what a small head reads out of all layers of a frozen encoder, as SUPERB does it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.jobs.each_file import Failure, Pace
from earshot.jobs.evaluation.clips import HeardClips, recording_of
from earshot.jobs.evaluation.naming import naming_figures, truth_of
from earshot.jobs.evaluation.probe_tasks import ProbeTask
from earshot.jobs.evaluation.result import Evaluation, evaluation_of
from earshot.jobs.evaluation.turns import turns_of

if TYPE_CHECKING:
    from torch import Tensor

    from earshot.data import Clip
    from earshot.models.embedder import Embedder
    from earshot.training.layer_probe import LayerProbeConfig

FRAMES_A_CLIP = 40  # that a probe of frames reads of a clip, evenly spaced


def measure_layers(
    task: ProbeTask,
    embedder: Embedder,
    *,
    n_folds: int | None = None,
    seed: int = 0,
    config: LayerProbeConfig | None = None,
    shuffled: bool = False,
    pace: Pace | None = None,
) -> Evaluation:
    """Figures of a task's probe: accuracy and its like; mAP and AUC of several labels a clip.

    Clips are parted by recordings as `turns_of` says. Learning rate and step are chosen on a fifth
    of the training recordings: test clips choose nothing. A task with `frame_labels` is probed
    frame by frame, and its figures are shares of frames. `shuffled` is the control: training labels
    are dealt out anew, so that what is left is chance.
    """
    from earshot.training.layer_probe import fit_layer_probe

    rows = _Rows(task, embedder, pace)
    labels = sorted({label for own in rows.labels for label in own})
    if len(labels) < 2:
        raise EarShotError(
            got=f"{task.name} with the label {labels[0]!r} alone" if labels else "no labels",
            expected="two labels or more",
            mend="Add clips of another label.",
        )
    truth, several = truth_of(rows.labels, labels), any(len(own) != 1 for own in rows.labels)
    how, turns = turns_of(rows.heard, n_folds, seed)
    logits = np.full(truth.shape, np.nan)
    chosen: dict[str, float] = {}
    weights = []
    for turn in turns:
        train, test = (np.isin(rows.clip_of, part).nonzero()[0] for part in (turn.train, turn.test))
        taught = truth[train]
        if shuffled:
            taught = taught[generator(seed, "shuffled labels").permutation(len(taught))]
        fitted = fit_layer_probe(
            rows.states[train],
            _target(taught, several),
            len(labels),
            groups=rows.heard.groups[rows.clip_of[train]],
            config=config,
            seed=seed,
        )
        logits[test] = fitted.logits(rows.states[test]).numpy()
        chosen[turn.name] = fitted.learning_rate
        weights.append(fitted.layer_weights)
    tested = np.isfinite(logits).all(1).nonzero()[0]
    found, details = naming_figures(
        logits[tested],
        [rows.labels[row] for row in tested],
        labels,
        rows.heard.groups[rows.clip_of[tested]],
        several=several,
    )
    protocol: dict[str, Any] = {
        "parted_by": how,
        "learning_rate": chosen,
        "layer_weights": np.mean(weights, 0).tolist(),
        "control": "shuffled labels" if shuffled else None,
    }
    result = evaluation_of(
        f"probe {task.name}",
        found,
        embedder,
        data=task.data,
        n=len(tested),
        items=[f"{rows.heard.clips[rows.clip_of[row]].id} {row}" for row in tested],
        details={**details, **protocol},
        failures=rows.heard.failures,
    )
    return replace(result, model=f"{result.model}, shuffled labels") if shuffled else result


class _Rows:
    """States of clips, or of frames of clips, with the clip each is of."""

    def __init__(self, task: ProbeTask, embedder: Embedder, pace: Pace | None) -> None:
        import torch

        read, failures = _read(task, embedder, pace)
        clips = [clip for clip, _ in read]
        if task.frame_labels is None:
            self.states = _clip_states(embedder, [waveform for _, waveform in read])
            self.clip_of = np.arange(len(clips))
            self.labels: list[tuple[str, ...]] = [clip.labels for clip in clips]
        else:
            parts: list[Tensor] = []
            clip_of, self.labels = [], []
            for place, (clip, waveform) in enumerate(read):
                states, seconds = _frames(embedder, waveform)
                parts.append(states)
                clip_of += [place] * len(seconds)
                self.labels += [(label,) for label in task.frame_labels(clip, seconds)]
            self.states, self.clip_of = torch.cat(parts), np.array(clip_of)
        groups = np.array([recording_of(clip) for clip in clips])
        vectors = np.zeros((len(clips), 0), np.float32)  # turns are made of clips, not of these
        self.heard = HeardClips(task.data, clips, vectors, groups, failures)


def _read(
    task: ProbeTask, embedder: Embedder, pace: Pace | None
) -> tuple[list[tuple[Clip, np.ndarray]], list[Failure]]:
    """Every clip's waveform at the model's rate, cut to the task's length; those that failed."""
    from earshot.audio import AudioError

    read, failures = [], []
    for clip in task.clips:
        try:
            sound = clip.read(sample_rate=embedder.sample_rate, duration_s=task.longest_s)
        except AudioError as fault:
            failures.append(Failure(Path(clip.id), str(fault)))
            continue
        if pace is not None:
            pace.add(sound.duration_s)
        read.append((clip, sound.waveform))
    if not read:
        raise EarShotError(
            got=f"{task.data}, of which no sound could be used: {failures[0].error}",
            expected="sounds that can be read",
            mend="See what is wrong with them: earshot data check.",
        )
    return read, failures


def _clip_states(embedder: Embedder, waveforms: list[np.ndarray]) -> Tensor:
    from earshot.training.layer_states import clip_states

    return clip_states(embedder.model, waveforms)


def _frames(embedder: Embedder, waveform: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """Up to FRAMES_A_CLIP positions' states, and the middle of each in seconds."""
    from earshot.training.layer_states import frame_states

    found = frame_states(embedder.model, waveform)
    n = len(found.states)
    places = np.unique(np.linspace(0, n - 1, min(n, FRAMES_A_CLIP)).round().astype(int))
    return found.states[places], (places + 0.5) * found.position_s


def _target(truth: np.ndarray, several: bool) -> Tensor:
    import torch

    return torch.from_numpy(truth if several else truth.argmax(1))
