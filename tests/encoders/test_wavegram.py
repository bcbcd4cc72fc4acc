"""The wavegram against the published forward, written once more without classes or padding."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig
from earshot.encoders.wavegram import WavegramCnn, WavegramConfig
from earshot.features import LogMel, LogMelConfig, Waveform, WaveformConfig

FRONT = LogMelConfig(
    sample_rate=8_000, n_fft=128, hop_length=40, n_mels=16, f_max=4_000.0, with_samples=True
)
CNN = CnnConfig(n_mels=16, channels=(3, 4, 6), n_pools=2, dim=6, n_classes=5)
TOY = WavegramConfig(cnn=CNN, stem=4, channels=(4, 8), pools=(4, 2), n_groups=1)


def model(**changes: object) -> WavegramCnn:
    torch.manual_seed(0)
    cnn = WavegramCnn(replace(TOY, **changes)).eval()
    for module in cnn.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)
    return cnn


def norm(state: dict[str, Tensor], x: Tensor, name: str) -> Tensor:
    each = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *each)


def conv_block(state: dict[str, Tensor], x: Tensor, name: str) -> Tensor:
    for j in (1, 2):
        x = F.conv2d(x, state[f"{name}.conv{j}.weight"], padding=1)
        x = F.relu(norm(state, x, f"{name}.bn{j}"))
    return x


def by_hand(state: dict[str, Tensor], wave: Tensor, log_mel: Tensor | None) -> Tensor:
    """The embedding of one clip: wave [samples], log_mel [n_mels, frames] or none."""
    a = F.conv1d(wave[None, None], state["pre_conv0.weight"], stride=5, padding=5)
    a = F.relu(norm(state, a, "pre_bn0"))
    for i, pool in ((1, 4), (2, 2)):
        a = F.conv1d(a, state[f"pre_block{i}.conv1.weight"], padding=1)
        a = F.relu(norm(state, a, f"pre_block{i}.bn1"))
        a = F.conv1d(a, state[f"pre_block{i}.conv2.weight"], padding=2, dilation=2)
        a = F.max_pool1d(F.relu(norm(state, a, f"pre_block{i}.bn2")), pool)
    a = a.reshape(1, 1, 8, a.shape[-1]).transpose(2, 3)
    x = F.avg_pool2d(conv_block(state, a, "pre_block3"), (2, 1))
    if log_mel is not None:
        mel = norm(state, log_mel.T[None, None].transpose(1, 3), "bn0").transpose(1, 3)
        mel = F.avg_pool2d(conv_block(state, mel, "conv_block1"), 2)
        x = torch.cat([mel, x], 1)
    x = F.avg_pool2d(conv_block(state, x, "conv_block2"), 2)
    x = conv_block(state, x, "conv_block3").mean(3)
    x = x.amax(2) + x.mean(2)
    return F.relu(F.linear(x, state["fc1.weight"], state["fc1.bias"]))[0]


@pytest.mark.parametrize("n_samples", [320, 400, 560, 800])  # even numbers of hops
def test_beside_the_log_mel_it_is_the_published_one(n_samples: int) -> None:
    cnn, wave = model(), torch.randn(n_samples) * 0.3
    heard, n_frames = LogMel(FRONT)(wave[None], torch.tensor([n_samples]))
    plain, _ = LogMel(replace(FRONT, with_samples=False))(wave[None], torch.tensor([n_samples]))
    assert torch.equal(heard[:, :16], plain)
    expected = by_hand(cnn.state_dict(), wave, plain[0])
    assert torch.allclose(cnn(heard, n_frames)[0], expected, atol=1e-4)


@pytest.mark.parametrize("n_samples", [321, 399, 777, 1_001])
def test_alone_it_is_the_published_one(n_samples: int) -> None:
    cnn, wave = model(log_mel=False), torch.randn(n_samples) * 0.3
    front = Waveform(WaveformConfig(sample_rate=8_000, unit_variance=False))
    heard = cnn(*front(wave[None], torch.tensor([n_samples])))
    assert torch.allclose(heard[0], by_hand(cnn.state_dict(), wave, None), atol=1e-4)


@pytest.mark.parametrize("log_mel", [True, False])
def test_a_clip_is_the_same_alone_and_in_a_batch(log_mel: bool) -> None:
    cnn = model(log_mel=log_mel)
    front = (
        LogMel(FRONT)
        if log_mel
        else Waveform(WaveformConfig(sample_rate=8_000, unit_variance=False))
    )
    lengths = torch.tensor([360, 517, 640, 999, 1_000])
    wave = torch.randn(5, 1_000)
    together = cnn(*front(wave, lengths))
    for i, n in enumerate(lengths.tolist()):
        alone = cnn(*front(wave[i : i + 1, :n], lengths[i : i + 1]))
        assert torch.allclose(alone[0], together[i], atol=1e-5)
    states = cnn.layers(*front(wave, lengths))
    assert states.n_positions.tolist() == [n // 40 // 2 // 2 for n in lengths.tolist()]
    assert cnn.position_frames == (4 if log_mel else 160)


@pytest.mark.parametrize(
    ("sizes", "millions"), [(WavegramConfig.cnn14(), 80.99), (WavegramConfig.logmel_cnn14(), 81.07)]
)
def test_published_sizes_and_names(sizes: WavegramConfig, millions: float) -> None:
    with torch.device("meta"):
        cnn = WavegramCnn(sizes)
    assert sum(p.numel() for p in cnn.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
    shapes = {name: list(t.shape) for name, t in cnn.state_dict().items()}
    assert shapes["pre_conv0.weight"] == [64, 1, 11]
    assert shapes["pre_block3.conv2.weight"] == [128, 128, 3]
    assert shapes["pre_block4.conv1.weight"] == [64, 4, 3, 3]
    assert shapes["conv_block2.conv1.weight"][1] == (128 if sizes.log_mel else 64)
    assert sizes.hop == 320


def test_ten_seconds_have_the_published_columns() -> None:
    with torch.device("meta"):
        cnn = WavegramCnn(WavegramConfig.logmel_cnn14())
    assert 320_000 // cnn.wave.hop // 2 == 1_001 // 2 == 500


def test_both_branches_are_mixed_and_short_clips_go_on_in_silence() -> None:
    cnn = model()
    wave, lengths = torch.randn(2, 400), torch.tensor([400, 400])
    heard, n_frames = LogMel(FRONT)(wave, lengths)
    one = cnn.logits(heard, n_frames, torch.tensor([0.0, 1.0]))
    assert torch.allclose(one, cnn.logits(heard[1:], n_frames[1:]), atol=1e-5)
    halves = cnn.logits(heard, n_frames, torch.tensor([0.5, 0.5]))
    assert not torch.allclose(halves, one, atol=1e-3)
    kind = model(cnn=replace(CNN, silence_db=-100.0))
    short = kind(*LogMel(FRONT)(wave[:1, :50], torch.tensor([50])))
    assert torch.isfinite(short).all()
    with pytest.raises(EarShotError, match="at least 4"):
        cnn(*LogMel(FRONT)(wave[:1, :50], torch.tensor([50])))


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(EarShotError, match="half as high"):
        replace(TOY, n_groups=2)
    with pytest.raises(EarShotError, match="blocks of two convolutions"):
        WavegramConfig(cnn=CnnConfig.cnn6())
    with pytest.raises(EarShotError, match="with_samples=true"):
        model()(torch.zeros(1, 16, 30), torch.tensor([30]))
    with pytest.raises(EarShotError, match="model.waveform"):
        model(log_mel=False)(torch.zeros(1, 16, 30), torch.tensor([30]))
