"""A frozen encoder that no one taught before: it learns to tag the clips first."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.data import Batch, ClipSet
from earshot.models.sound_encoder import SoundEncoder
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun


def teach_to_tag(
    encoder: SoundEncoder,
    clips: ClipSet,
    settings: FitConfig | None,
    this: RecipeRun,
    batch_size: int,
) -> None:
    """Train `encoder` on the labels of `clips` as the stage "encoder" of a run, and freeze it.

    Binary cross-entropy of a linear head over its clip vectors, which is then dropped. Raises
    EarShotError without settings, and for clips without labels.
    """
    if settings is None or not clips.labels:
        raise EarShotError(
            got="an encoder at random" + (", not to be trained" if settings is None else ""),
            expected="one that was trained" + (", or clips with labels" if settings else ""),
            mend="Pass --audio-model, such as a run of panns or a BEATs file.",
        )
    head = nn.Linear(encoder.audio_encoder.dim, len(clips.labels))
    tagger = nn.ModuleList([encoder.requires_grad_(True), head])

    def loss_of(batch: Batch) -> Tensor:
        assert batch.labels_hot is not None
        logits = head(encoder.audio_hidden(batch.waveform, batch.n_samples))
        return F.binary_cross_entropy_with_logits(logits.float(), batch.labels_hot)

    loader = this.loader(
        clips, batch_size=batch_size, sample_rate=encoder.sample_rate, max_s=encoder.window_s
    )
    this.fit(tagger, loss_of, loader.batches, settings, stage="encoder")
    encoder.requires_grad_(False).eval()
