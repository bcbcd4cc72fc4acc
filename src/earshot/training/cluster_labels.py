"""The clusters that HuBERT's labels are: found from clips, before the training."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip
from earshot.encoders.frame_encoder import FrameEncoder
from earshot.layers.kmeans import kmeans
from earshot.layers.pooling import padding_of
from earshot.models.pretraining.predictive import CepstralLabels, StateLabels
from earshot.models.sound_encoder import SoundEncoder

N_AT_ONCE = 32  # clips


@torch.no_grad()
def find_clusters(
    labels: CepstralLabels | StateLabels,
    model: SoundEncoder,
    clips: Sequence[Clip],
    *,
    max_s: float,
    seed: int,
    n_clips: int = 256,
    n_vectors: int = 8_000,
) -> None:
    """Set the centroids of `labels` from up to `n_clips` clips as `model` hears them.

    `n_vectors` of their positions are clustered. Cepstra are divided by their spread first. The
    same clips, seed and encoder give the same centroids: a resumed run finds them again.
    """
    loader = BatchLoader(
        clips,
        batch_size=min(N_AT_ONCE, len(clips)),
        sample_rate=model.sample_rate,
        max_s=max_s,
        seed=seed,
        workers=0,
    )
    n_batches = max(1, min(n_clips, len(clips)) // loader.batch_size)
    if isinstance(labels, CepstralLabels):
        labels.spread.fill_(1.0)
    found: list[Tensor] = []
    encoder = model.audio_encoder
    assert isinstance(encoder, FrameEncoder)
    for batch in islice(loader.batches(), n_batches):
        log_mel, n_frames = model.frames(batch.waveform, batch.n_samples)
        described = labels.describe(log_mel, n_frames)
        n_positions = -(-n_frames // encoder.config.stack)
        found.append(described[~padding_of(n_positions, described.shape[1])])
    vectors = torch.cat(found)
    n_clusters = len(labels.centroids)
    if len(vectors) < n_clusters:
        raise EarShotError(
            got=f"{len(vectors)} positions for {n_clusters} clusters",
            expected="a position for each",
            mend="Take more clips, or lower zoo.units.n_units.",
        )
    draw = torch.Generator().manual_seed(seed)
    chosen = vectors[torch.randperm(len(vectors), generator=draw)[:n_vectors]]
    if isinstance(labels, CepstralLabels):
        spread = chosen.std(0).clamp(min=1e-6)
        labels.spread.copy_(spread)
        chosen = chosen / spread
    labels.centroids.copy_(kmeans(chosen, n_clusters, seed=seed))
