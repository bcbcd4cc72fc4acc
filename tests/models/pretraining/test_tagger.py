from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.features import LogMelConfig
from earshot.layers.mixup import draw_mixing
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.tagger import Tagger

FRONT = LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=80, n_mels=16, f_max=4_000.0)
CNN = CnnConfig(
    n_mels=16, channels=(4, 6), n_pools=2, dim=8, n_classes=3, block_dropout=0.0, dropout=0.0
)


def tagger(mixup: float) -> Tagger:
    torch.manual_seed(0)
    tower = AudioTower(cnn=CNN)
    return Tagger(build_sound_encoder(SoundEncoderConfig(audio=tower, features=FRONT)), mixup)


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    labels = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, 1], [1, 1, 0]])
    return torch.randn(4, 4_000) * 0.1, torch.tensor([4_000, 3_000, 2_000, 4_000]), labels


def test_the_loss_is_the_mean_cross_entropy_of_every_label() -> None:
    model, (waveform, n_samples, labels) = tagger(0.0).eval(), batch()
    p = model.probabilities(waveform, n_samples)
    by_hand = -(labels * p.log() + (1 - labels) * (1 - p).log()).mean()
    assert torch.allclose(model(waveform, n_samples, labels)["loss"], by_hand, atol=1e-5)


def test_mixed_clips_have_mixed_labels() -> None:
    """In eval mode nothing is mixed; while training the shares are those of torch's generator."""
    model, (waveform, n_samples, labels) = tagger(1.0).train(), batch()
    torch.manual_seed(9)
    loss = model(waveform, n_samples, labels)["loss"]
    torch.manual_seed(9)
    shares = draw_mixing(4, 1.0)
    again = tagger(1.0).train()
    logits = again.encoder.audio_encoder.logits(*again.encoder.frames(waveform, n_samples), shares)
    mixed = torch.stack([
        shares[0] * labels[0] + shares[1] * labels[1],
        shares[2] * labels[2] + shares[3] * labels[3],
    ])  # fmt: skip
    assert torch.allclose(loss, F.binary_cross_entropy_with_logits(logits, mixed), atol=1e-6)
    plain = tagger(0.0).eval()
    plain.load_state_dict(model.state_dict())
    evaluated = model.eval()(waveform, n_samples, labels)["loss"]
    assert torch.equal(evaluated, plain(waveform, n_samples, labels)["loss"])


def test_what_cannot_be_taught_so_is_refused() -> None:
    waveform, n_samples, labels = batch()
    with pytest.raises(EarShotError, match="3 clips to mix in pairs"):
        tagger(1.0).train()(waveform[:3], n_samples[:3], labels[:3])
    strips = AudioTower(strips=StripTransformerConfig(n_mels=16, dim=8, depth=1, n_heads=2))
    encoder = build_sound_encoder(SoundEncoderConfig(audio=strips, features=FRONT))
    with pytest.raises(EarShotError, match="no head of labels"):
        Tagger(encoder)
