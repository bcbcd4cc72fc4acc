"""What an encoder of series is worth: probes of clips and series, forecasts, and its mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from earshot.data import BatchLoader, ClipSet
from earshot.data.series import Series, SeriesBatches
from earshot.encoders.tcn import Tcn
from earshot.metrics import multi_label
from earshot.models.pretraining.learned_views import LearnedViews
from earshot.models.sound_encoder import SoundEncoder
from earshot.training.evaluation import hear_crops
from earshot.training.mask_plot import MaskedSeries
from earshot.training.vector_probe import Labelled, forecast_errors, probe_figures


def clip_figures(
    model: SoundEncoder, train: ClipSet, test: ClipSet, batch_size: int, seed: int
) -> tuple[dict[str, float], list[str]]:
    """Accuracy of a linear probe and of neighbours among test clips that have one label.

    Clips are heard up to the model's window. The sentences say what could not be heard, or why
    nothing could be measured.
    """
    parts, faults = [], []
    known = {label: i for i, label in enumerate(train.labels)}
    for clips in (train, test):
        told = [clip for clip in clips if len(clip.labels) == 1 and clip.labels[0] in known]
        if not told:
            return {}, ["no probe: training or test clips have no single label"]
        loader = BatchLoader(
            ClipSet(told, labels=train.labels),
            batch_size=min(batch_size, len(told)),
            sample_rate=model.sample_rate,
            max_s=model.window_s,
            seed=seed,
            crop="start",
        )
        found = hear_crops(model.audio_hidden, loader, next(model.parameters()).device)
        faults += [str(fault) for fault in loader.failures]
        target = np.array([known[clip.labels[0]] for clip in found.clips])
        parts.append(Labelled(found.embeddings.astype(np.float64), target))
    return probe_figures(parts[0], parts[1], seed), faults


@torch.inference_mode()
def series_figures(
    task: LearnedViews, train: Sequence[Series], test: Sequence[Series], seed: int
) -> dict[str, float]:
    """Probe and neighbours of the encoder's vectors; of a learnt mask, how well it lies.

    mask_auroc is the chance that a step of the motif is kept more than another one of the test's;
    mask_iou how much the steps that are kept most, as many as the motif has, overlap with it.
    """
    task.eval()
    device = next(task.parameters()).device
    parts = []
    for series in (train, test):
        rows = []
        for batch in SeriesBatches(series, batch_size=256, seed=0).once():
            batch = batch.to(device)
            rows.append(task.encoder(batch.frames, batch.n_frames).double().cpu().numpy())
        target = np.array([each.label for each in series])
        parts.append(Labelled(np.concatenate(rows), target))
    figures = probe_figures(parts[0], parts[1], seed)
    return figures | (_mask_figures(task, test) if task.learns else {})


@torch.inference_mode()
def masked_series(task: LearnedViews, series: Sequence[Series]) -> list[MaskedSeries]:
    """Series with the mask that a task has learnt, its mean over channels."""
    device, rows = next(task.parameters()).device, []
    for batch in SeriesBatches(series, batch_size=256, seed=0).once():
        batch = batch.to(device)
        made = task.parametric_view(task.encoder.standardise(batch.frames), batch.n_frames)
        rows += list(zip(made.h.mean(2).cpu().numpy(), batch.n_frames.tolist(), strict=True))
    return [
        MaskedSeries(
            frames=each.frames,
            mask=mask[:n],
            focus=np.zeros(n, bool) if each.focus is None else each.focus,
            name=f"class {each.label}",
        )
        for each, (mask, n) in zip(series, rows, strict=True)
    ]


def _mask_figures(task: LearnedViews, test: Sequence[Series]) -> dict[str, float]:
    """Where the mask lies, of test series that say where their motif does."""
    rows, overlaps = masked_series(task, test), []
    for row in rows:
        most = np.zeros(len(row.mask), bool)
        most[np.argsort(-row.mask, kind="stable")[: row.focus.sum()]] = True
        overlaps.append((most & row.focus).sum() / max(1, (most | row.focus).sum()))
    scores = np.concatenate([row.mask for row in rows])
    shown = np.concatenate([row.focus for row in rows])
    return {
        "mask_auroc": multi_label(scores[:, None], shown[:, None].astype(float)).values["AUC"],
        "mask_iou": float(np.mean(overlaps)),
        "mask_mean": float(scores.mean()),
    }


@torch.inference_mode()
def forecast_figures(
    encoder: Tcn, frames: np.ndarray, ends: tuple[int, int], horizons: Sequence[int]
) -> dict[str, float]:
    """mse_L and skill_L = 1 - mse_L of the first channel for each horizon, and the mean skill.

    frames [n_features, steps], standardised: a skill of 0 is the forecast of the mean. One pass of
    a causal encoder gives every step what a window that ends there would give it.
    """
    device = next(encoder.parameters()).device
    series = torch.from_numpy(frames).to(device)[None]
    n_frames = torch.tensor([frames.shape[1]], device=device)
    hidden = encoder.eval().steps(encoder.standardise(series), n_frames)[0]
    errors = forecast_errors(
        hidden.double().cpu().numpy(), frames[0].astype(np.float64), horizons, ends
    )
    figures = {f"mse_{horizon}": error for horizon, error in errors.items()}
    figures |= {f"skill_{horizon}": 1 - error for horizon, error in errors.items()}
    return figures | {"skill": 1 - float(np.mean(list(errors.values())))}
