from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor, WhisperModel

from earshot.core.errors import EarShotError
from earshot.encoders.whisper import WhisperConfig, WhisperSpeech
from earshot.features import LogMel, LogMelConfig

TINY = WhisperConfig(window_frames=200, dim=16, depth=2, n_heads=2)  # a window of 2 s


def encoder() -> WhisperSpeech:
    torch.manual_seed(0)
    return WhisperSpeech(TINY).eval()


def voice(n_samples: int) -> torch.Tensor:
    rng = np.random.default_rng(1)
    place = np.arange(n_samples) / 16_000
    tone = np.sin(2 * np.pi * 220 * place) * np.sin(2 * np.pi * 3 * place)
    return torch.from_numpy((0.3 * tone + 0.02 * rng.standard_normal(n_samples)).astype("float32"))


def test_it_reads_what_the_library_s_extractor_gives() -> None:
    """Except next to the clip's end, where ours mirrors the clip and theirs sees silence."""
    sound = voice(24_000)
    log_mel, n_frames = LogMel(LogMelConfig.whisper())(sound[None], torch.tensor([24_000]))
    ours = encoder().rescaled(log_mel, n_frames)[0]
    extractor = WhisperFeatureExtractor(chunk_length=2)
    theirs = extractor(sound.numpy(), sampling_rate=16_000, return_tensors="pt").input_features[0]
    assert ours.shape == theirs.shape == (80, 200)
    assert (ours - theirs)[:, :148].abs().max() < 1e-3
    assert (ours - theirs)[:, 153:].abs().max() < 1e-3


def test_a_full_window_gives_the_library_s_mean() -> None:
    sound = voice(32_000)
    log_mel, n_frames = LogMel(LogMelConfig.whisper())(sound[None], torch.tensor([32_000]))
    tower = encoder()
    whole = WhisperModel(TINY.library_config()).eval()
    whole.encoder.load_state_dict(tower.model.state_dict())
    with torch.inference_mode():
        hidden = whole.encoder(tower.rescaled(log_mel, n_frames)).last_hidden_state
        row = tower(log_mel, n_frames)
    torch.testing.assert_close(row, hidden.mean(1), atol=1e-5, rtol=0)


def test_padding_and_batch_mates_change_nothing() -> None:
    features, tower = LogMel(LogMelConfig.whisper()), encoder()
    batch = torch.zeros(2, 30_000)
    batch[0, :9_000], batch[1] = voice(9_000), voice(30_000)
    batch[0, 9_000:] = 0.5  # what lies past a clip's end is never heard
    with torch.inference_mode():
        rows = tower(*features(batch, torch.tensor([9_000, 30_000])))
        alone = tower(*features(voice(9_000)[None], torch.tensor([9_000])))
    torch.testing.assert_close(rows[:1], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("config", "n_parameters"),
    [(WhisperConfig.base(), 20_590_592), (WhisperConfig.tiny(), 8_208_384)],
)
def test_the_published_sizes(config: WhisperConfig, n_parameters: int) -> None:
    with torch.device("meta"):
        tower = WhisperSpeech(config)
    assert sum(value.numel() for value in tower.parameters()) == n_parameters


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="even number"):
        WhisperConfig(window_frames=201)
    with pytest.raises(EarShotError, match="same n_mels"):
        encoder()(torch.zeros(1, 40, 100), torch.tensor([100]))
