from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.core.checkpoint import save_checkpoint
from earshot.core.errors import EarShotError
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.features import LogMelConfig
from earshot.features.mel import mel_filter_bank
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.predictive_speech import PredictiveSpeech, PredictiveSpeechConfig
from earshot.models.speech_targets import FrozenTarget, MelTarget, load_sound_encoder
from earshot.recipes.brain_decoding import Config

MEL = Config.deep_mel().speech.mel
FEATURES = LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=80, n_mels=16, f_max=4_000.0)


@dataclass(frozen=True)
class Run:
    """A recipe's config that has a model."""

    model: SoundEncoderConfig


def noise(n: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(seed))


def test_a_frame_of_mel_is_the_written_formula() -> None:
    """By hand in double precision, of a standardised sound: log10(mel power + 1e-5)."""
    sound = noise(8_000) + 0.3
    found = MelTarget(MEL)(sound)
    standard = sound.double().numpy()
    standard = (standard - standard.mean()) / standard.std()
    frame = standard[20 * 128 - 256 : 20 * 128 + 256]
    window = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(512) / 512)
    power = np.abs(np.fft.rfft(frame * window)) ** 2
    bank = mel_filter_bank(
        sample_rate=16_000, n_fft=512, n_mels=120, f_min=0.0, f_max=8_000.0, scale="htk", norm=None
    )
    wanted = np.log10(power @ np.asarray(bank, dtype=np.float64) + 1e-5)
    assert found[:, 20].numpy() == pytest.approx(wanted, abs=1e-4)


def test_level_and_offset_of_a_sound_change_nothing() -> None:
    sound = noise(4_000)
    torch.testing.assert_close(
        MelTarget(MEL)(0.2 * sound + 0.1), MelTarget(MEL)(sound), atol=1e-3, rtol=1e-4
    )


def frozen(layers: tuple[int, ...] = (), window_s: float = 1.0) -> FrozenTarget:
    torch.manual_seed(0)
    config = replace(PredictiveSpeechConfig(), features=FEATURES, window_s=window_s)
    encoder = replace(config.encoder, n_features=16, dim=16, depth=2)
    return FrozenTarget(PredictiveSpeech(replace(config, encoder=encoder)).sound, layers)


def test_states_are_the_mean_of_the_layers_named() -> None:
    sound = noise(8_000)
    both, one, two = (frozen(layers)(sound) for layers in ((1, 2), (1,), (2,)))
    torch.testing.assert_close(both, (one + two) / 2)
    torch.testing.assert_close(frozen()(sound), two)
    states = frozen().model.layers(sound[None], torch.tensor([8_000])).hidden[1][0]
    torch.testing.assert_close(one, states.detach()[: one.shape[1]].T)
    assert frozen().rate == 50.0


def test_longer_sounds_are_heard_in_windows_each_by_itself() -> None:
    """3.02 s of windows of a second: 151 frames, the second window's those of itself alone."""
    target, sound = frozen(), noise(24_160)
    found = target(sound)
    assert found.shape == (16, 151)
    torch.testing.assert_close(found[:, 50:100], target(sound[8_000:16_000])[:, :50])


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(EarShotError, match=r"layers 7; expected indices from 0 to 2"):
        frozen((7,))


def test_a_run_s_folder_and_a_shipped_model_are_found(tmp_path: Path) -> None:
    config = SoundEncoderConfig(
        audio=AudioTower(strips=StripTransformerConfig(n_mels=16, dim=8, depth=1, n_heads=2)),
        features=FEATURES,
    )

    model = build_sound_encoder(config)
    save_checkpoint(tmp_path / "run", "any", Run(config), model)
    loaded = load_sound_encoder(str(tmp_path / "run"))
    sound = noise(4_000)[None]
    n = torch.tensor([4_000])
    torch.testing.assert_close(
        loaded.eval().embed_audio(sound, n), model.eval().embed_audio(sound, n)
    )
    assert FrozenTarget(loaded)(sound[0]).shape[0] == 8
    with pytest.raises(EarShotError):
        load_sound_encoder(str(tmp_path / "nowhere"))


def test_weights_of_another_config_are_refused(tmp_path: Path) -> None:
    strips = StripTransformerConfig(n_mels=16, dim=8, depth=1, n_heads=2)
    config = SoundEncoderConfig(audio=AudioTower(strips=strips), features=FEATURES)
    wider = replace(config, audio=AudioTower(strips=replace(strips, dim=16)))
    save_checkpoint(tmp_path / "run", "any", Run(wider), build_sound_encoder(config))
    with pytest.raises(EarShotError, match="of the shapes that its config asks for"):
        load_sound_encoder(str(tmp_path / "run"))
