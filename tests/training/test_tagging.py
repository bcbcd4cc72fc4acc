from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip, ClipSet
from earshot.encoders.panns import CnnConfig
from earshot.features import LogMelConfig
from earshot.metrics import multi_label
from earshot.metrics.d_prime import d_prime
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.tagger import Tagger
from earshot.training.tagging import tag_clips, tagging_figures

LABELS = ("a", "b", "c", "d")


def clips(n: int = 24) -> ClipSet:
    """A is in half of the clips, b in a third, c and d in few; a clip is noise at its own level."""
    made = []
    for i in range(n):
        labels = tuple(
            name for name, turn in zip(LABELS, (2, 3, 8, 12), strict=True) if not i % turn
        )
        wave = np.random.default_rng(i).normal(0, 0.01 * (i + 1), 2_000 + 40 * i)
        made.append(Clip(Audio(wave.astype(np.float32), 8_000), labels=labels, id=str(i)))
    return ClipSet(made, labels=LABELS)


def tagger() -> Tagger:
    torch.manual_seed(0)
    front = LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=80, n_mels=16, f_max=4_000.0)
    cnn = CnnConfig(n_mels=16, channels=(4, 6), n_pools=2, dim=8, n_classes=4)
    return Tagger(
        build_sound_encoder(SoundEncoderConfig(audio=AudioTower(cnn=cnn), features=front))
    )


def test_figures_are_those_of_the_probabilities() -> None:
    model, test = tagger(), clips()
    scores, truth, faults = tag_clips(model, test)
    assert not faults
    for row, clip in enumerate(test):
        heard = torch.from_numpy(clip.audio.waveform)[None]
        one = model.probabilities(heard, torch.tensor([heard.shape[1]]))
        assert np.allclose(scores[row], one[0].numpy(), atol=1e-5)
        assert {LABELS[i] for i in np.flatnonzero(truth[row])} == set(clip.labels)
    figures, _ = tagging_figures(model, test, test)
    found = multi_label(scores, truth)
    assert figures["mAP"] == pytest.approx(float(found.average_precision.mean()))
    assert figures["mAP_tail"] == pytest.approx(float(found.average_precision[2:].mean()))
    assert figures["d_prime"] == pytest.approx(d_prime(figures["AUC"]))


def test_rare_is_what_training_has_fewest_of() -> None:
    model, test = tagger(), clips()
    turned = ClipSet([c for c in test if "a" not in c.labels], labels=LABELS)
    counts = Counter(label for clip in turned for label in clip.labels)
    assert counts["a"] == 0
    figures, _ = tagging_figures(model, test, turned)
    found = multi_label(*tag_clips(model, test)[:2]).average_precision
    rare = sorted(LABELS, key=lambda name: (counts[name], name))[:2]
    expected = np.mean([found[LABELS.index(name)] for name in rare])
    assert figures["mAP_tail"] == pytest.approx(float(expected))


def test_clips_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    bad = Clip(tmp_path / "bad.wav", labels=("a",), id="bad")
    scores, _, faults = tag_clips(tagger(), ClipSet([*clips(), bad], labels=LABELS))
    assert len(scores) == 24
    assert "bad" in faults[0]
    with pytest.raises(EarShotError, match="none of which can be read"):
        tag_clips(tagger(), ClipSet([bad], labels=LABELS))


def test_probabilities_do_not_learn() -> None:
    heard: Tensor = tagger().probabilities(torch.randn(2, 4_000), torch.tensor([4_000, 2_000]))
    assert not heard.requires_grad
    assert bool(((heard > 0) & (heard < 1)).all())
