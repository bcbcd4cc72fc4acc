"""PANNs' files under their released names: what is heard is the published forward pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from typer.testing import CliRunner

from earshot.audio import write_audio
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.encoders.decision_level import DecisionCnn
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.encoders.wavegram import WavegramCnn, WavegramConfig
from earshot.features.log_mel import LogMelConfig
from earshot.jobs.loading import load
from earshot.models.audio_tower import build_sound_encoder
from earshot.models.loading.panns import panns_config
from published import shake, stored_front_end

FOURTEEN = CnnConfig(channels=(2, 2, 3, 3, 4, 4), dim=16)
WAVEGRAM = WavegramConfig(cnn=FOURTEEN, stem=4, channels=(4, 8, 32), n_groups=1)
PRESETS = {
    32_000: LogMelConfig.panns_32k(),
    16_000: LogMelConfig.panns_16k(),
    8_000: LogMelConfig.panns_8k(),
}


def released(encoder: PannsCnn, front: LogMelConfig | None, path: Path, *, bare: bool) -> Path:
    """A file as released: the state dict under "model" beside the iteration, or bare."""
    state = dict(shake(encoder, 3).state_dict())
    if front is not None:
        state |= stored_front_end(front, changed=False)
    torch.save(state if bare else {"iteration": 600_000, "model": state}, path)
    return path


def by_hand(state: dict[str, Tensor], stored: dict[str, Tensor], wave: np.ndarray) -> Tensor:
    """CNN14's unit embedding from the file's own tensors, hop 320 at 32 kHz and so on."""
    n_fft = stored["logmel_extractor.melW"].shape[0] * 2 - 2
    hop = {1_024: 320, 512: 160, 256: 80}[n_fft]
    padded = F.pad(torch.from_numpy(wave)[None, None].double(), (n_fft // 2,) * 2, mode="reflect")
    stem = "spectrogram_extractor.stft.conv_"
    real, imag = (
        F.conv1d(padded, stored[f"{stem}{part}.weight"].double(), stride=hop)
        for part in ("real", "imag")
    )
    mel = (real**2 + imag**2).transpose(1, 2) @ stored["logmel_extractor.melW"].double()
    x = (10 * mel.clamp(min=1e-10).log10()).float()[:, None]  # [1, 1, frames, mels]

    def norm(x: Tensor, name: str) -> Tensor:
        part = [state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *part)

    x = norm(x.transpose(1, 3), "bn0").transpose(1, 3)
    for i in range(1, 7):
        for j in (1, 2):
            conv = F.conv2d(x, state[f"conv_block{i}.conv{j}.weight"], padding=1)
            x = F.relu(norm(conv, f"conv_block{i}.bn{j}"))
        x = F.avg_pool2d(x, 2) if i < 6 else x
    x = x.mean(3)
    x = x.amax(2) + x.mean(2)
    x = F.relu(F.linear(x, state["fc1.weight"], state["fc1.bias"]))
    return F.normalize(x)[0]


@pytest.mark.parametrize("rate", [32_000, 16_000, 8_000])
@pytest.mark.parametrize("bare", [True, False])
def test_cnn14_hears_as_published_at_its_own_rate(rate: int, bare: bool, tmp_path: Path) -> None:
    path = released(PannsCnn(FOURTEEN), PRESETS[rate], tmp_path / "Cnn14_mAP=0.431.pth", bare=bare)
    embedder = load(path)
    assert embedder.sample_rate == rate
    assert embedder.dim == 16
    assert embedder.report.kind == f"PANNs, CNN14 at {rate / 1_000:g} kHz"
    assert not embedder.report.missing
    assert not embedder.report.unexpected
    wave = np.random.default_rng(0).normal(0, 0.1, 2 * rate).astype(np.float32)
    stored = stored_front_end(PRESETS[rate], changed=False)
    expected = by_hand(shake(PannsCnn(FOURTEEN), 3).state_dict(), stored, wave)
    heard = embedder.embed_waveforms([wave])[0]
    assert np.allclose(heard, expected.detach().numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "encoder", "kind"),
    [
        ("Cnn6_mAP=0.343.pth", CnnConfig(channels=(2, 2, 3, 3), kernel=5, convs_per_block=1,
                                         n_pools=4, dim=8), "CNN6"),
        ("Cnn10_mAP=0.380.pth", CnnConfig(channels=(2, 2, 3, 3), n_pools=4, dim=8), "CNN10"),
        ("Cnn14_emb128_mAP=0.412.pth", replace(FOURTEEN, dim=7), "CNN14"),
        ("Cnn14_mel128_mAP=0.442.pth", replace(FOURTEEN, n_mels=128), "CNN14"),
        ("Cnn14_DecisionLevelMax_mAP=0.385.pth", replace(FOURTEEN, decision="max"),
         "CNN14 by segments (max)"),
        ("Cnn14_DecisionLevelAvg_mAP=0.420.pth", replace(FOURTEEN, decision="mean"),
         "CNN14 by segments (mean)"),
        ("Cnn14_DecisionLevelAtt_mAP=0.425.pth", replace(FOURTEEN, decision="attention"),
         "CNN14 by segments (attention)"),
        ("Wavegram_Cnn14_mAP=0.389.pth", replace(WAVEGRAM, log_mel=False), "Wavegram-CNN"),
        ("Wavegram_Logmel_Cnn14_mAP=0.439.pth", WAVEGRAM, "Wavegram-Logmel-CNN"),
    ],
)  # fmt: skip
def test_every_variant_is_known_by_its_tensors(
    name: str, encoder: CnnConfig | WavegramConfig, kind: str, tmp_path: Path
) -> None:
    if isinstance(encoder, WavegramConfig):
        made, front = WavegramCnn(encoder), PRESETS[32_000] if encoder.log_mel else None
    else:
        made = DecisionCnn(encoder) if encoder.decision else PannsCnn(encoder)
        front = replace(PRESETS[32_000], n_mels=encoder.n_mels)
    embedder = load(released(made, front, tmp_path / name, bare=False))
    assert embedder.report.kind == f"PANNs, {kind} at 32 kHz"
    assert not embedder.report.unexpected
    ours = embedder.model.audio_encoder.state_dict()
    assert all(torch.equal(value, ours[key]) for key, value in made.state_dict().items())
    second, short = np.full(32_000, 0.1, np.float32), np.full(3_000, 0.1, np.float32)
    assert np.isfinite(embedder.embed_waveforms([second, short])).all()


@pytest.mark.parametrize(
    ("encoder", "millions"),
    [
        (CnnConfig.cnn6(), 4.84),
        (CnnConfig.cnn10(), 5.22),
        (CnnConfig.cnn14(), 80.75),
        (WavegramConfig.cnn14(), 80.99),
        (WavegramConfig.logmel_cnn14(), 81.07),
    ],
)
def test_the_released_sizes_are_read_from_their_shapes(
    encoder: CnnConfig | WavegramConfig, millions: float
) -> None:
    with torch.device("meta"):
        made = WavegramCnn(encoder) if isinstance(encoder, WavegramConfig) else PannsCnn(encoder)
        config, _ = panns_config(made.state_dict(), Path("x.pth"))
        built = build_sound_encoder(config)
    assert sum(p.numel() for p in built.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_the_command_line_embeds_with_the_file(tmp_path: Path) -> None:
    path = released(
        PannsCnn(FOURTEEN), PRESETS[32_000], tmp_path / "Cnn14_mAP=0.431.pth", bare=False
    )
    sound = tmp_path / "click.wav"
    write_audio(sound, np.random.default_rng(1).normal(0, 0.1, 4_000), 16_000)
    out = tmp_path / "rows.npz"
    done = CliRunner().invoke(app, ["embed", str(sound), "--model", str(path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert max(np.load(out).values(), key=np.ndim).shape == (1, 16)


def test_what_is_not_the_released_front_end_is_refused(tmp_path: Path) -> None:
    state = shake(PannsCnn(FOURTEEN), 3).state_dict() | stored_front_end(PRESETS[32_000])
    torch.save({"model": state}, tmp_path / "changed.pth")
    with pytest.raises(EarShotError, match="a front end of 1024 samples and 64 mels of its own"):
        load(tmp_path / "changed.pth")


def test_a_file_without_front_end_says_so(tmp_path: Path) -> None:
    embedder = load(released(PannsCnn(FOURTEEN), None, tmp_path / "bare.pth", bare=True))
    assert "that of 32 kHz is used" in embedder.report.to_text()


def test_other_networks_of_the_paper_are_refused_in_a_sentence(tmp_path: Path) -> None:
    state = {
        name: torch.zeros(2, 2)
        for name in ("bn0.weight", "fc1.weight", "fc_audioset.weight", "features.0.0.weight")
    }
    torch.save({"iteration": 1, "model": state}, tmp_path / "MobileNetV1_mAP=0.389.pth")
    with pytest.raises(EarShotError, match="without CNN blocks.*take Cnn14"):
        load(tmp_path / "MobileNetV1_mAP=0.389.pth")


def test_a_file_with_code_is_refused(tmp_path: Path) -> None:
    torch.save({"model": PannsCnn(FOURTEEN)}, tmp_path / "code.pth")
    with pytest.raises(EarShotError, match="holds more than data"):
        load(tmp_path / "code.pth")
