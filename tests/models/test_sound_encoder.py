from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.encoders.agnostic import SpectrogramStemConfig
from earshot.encoders.earshot_cnn import EarshotCnnConfig
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.panns import CnnConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.whisper import WhisperConfig
from earshot.features import KaldiFbankConfig, LogMelConfig, WaveformConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.embedder import Embedder
from tiny_models import FRONT_END, encoder_alone, seeded, sounds

WHISPER = WhisperConfig(n_mels=32, dim=16, depth=1, n_heads=2, window_frames=250)
ENCODERS = {
    "strips": (AudioTower(strips=StripTransformerConfig(32, dim=16, depth=1, n_heads=2)), "none"),
    "earshot": (
        AudioTower(earshot=EarshotCnnConfig(n_mels=32, widths=(4, 8), dim=16, depth=1, n_heads=2)),
        "none",
    ),
    "whisper": (AudioTower(whisper=WHISPER), "none"),
    "htsat": (AudioTower(htsat=replace(HtsatConfig.nano(), drop_path=0.0)), "repeatpad"),
}


def config_of(name: str) -> SoundEncoderConfig:
    audio, fill = ENCODERS[name]
    return SoundEncoderConfig(audio, features=FRONT_END, window_s=1.0, fill=fill)


def padded(clips: list[np.ndarray], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows = torch.full((len(clips), width), 0.3)  # what lies past the end is never heard
    for row, clip in zip(rows, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    return rows, torch.tensor([len(clip) for clip in clips])


@pytest.mark.parametrize("name", ENCODERS)
def test_states_depend_neither_on_padding_nor_on_batch_mates(name: str) -> None:
    model = seeded(lambda: build_sound_encoder(config_of(name)))
    clips = sounds([8_000, 5_000])
    with torch.inference_mode():
        both = model.layers(*padded(clips, 9_000))
        alone = model.layers(*padded(clips[1:], 5_000))
    n = int(alone.n_positions[0])
    assert n == int(both.n_positions[1]) <= both.padding.shape[1]
    for together, own in zip(both.hidden, alone.hidden, strict=True):
        torch.testing.assert_close(together[1, :n], own[0, :n], atol=1e-5, rtol=0)
    seconds = n * model.position_s(alone)
    heard = 1.0 if name == "htsat" else 5_000 / 8_000
    assert seconds == pytest.approx(heard, abs=2 * model.position_s(alone))


@pytest.mark.parametrize("name", ENCODERS)
def test_a_config_survives_json(name: str) -> None:
    config = config_of(name)
    assert from_dict(SoundEncoderConfig, to_dict(config)) == config


def test_an_encoder_embeds_sounds_and_knows_no_words() -> None:
    embedder = Embedder(seeded(encoder_alone), "ears")
    rows = embedder.embed_waveforms(sounds([8_000, 3_000]))
    assert rows.shape == (2, embedder.dim) == (2, 16)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    with pytest.raises(EarShotError, match="ears, which hears and knows no words; .*clap"):
        embedder.embed_texts(["a dog"])
    with pytest.raises(EarShotError, match="hears and knows no words"):
        _ = embedder.scale


def test_an_encoder_without_states_says_so() -> None:
    model = seeded(encoder_alone)
    model.audio_encoder = torch.nn.Identity()
    with pytest.raises(EarShotError, match="Identity, which hears a clip as a whole"):
        model.layers(*padded(sounds([800]), 800))


@pytest.mark.parametrize(
    ("front_ends", "said"),
    [
        ({}, "nothing as the front end"),
        ({"features": LogMelConfig(), "fbank": KaldiFbankConfig()}, "features and fbank as"),
        ({"waveform": WaveformConfig(), "fbank": KaldiFbankConfig()}, "fbank and waveform as"),
    ],
)
def test_one_front_end(front_ends: dict, said: str) -> None:
    with pytest.raises(EarShotError, match=said):
        SoundEncoderConfig(AudioTower(cnn=CnnConfig()), **front_ends)


@pytest.mark.parametrize("window_s", [0.0, -1.0, 601.0])
def test_a_window_no_model_has(window_s: float) -> None:
    with pytest.raises(EarShotError, match="window_s"):
        SoundEncoderConfig(AudioTower(cnn=CnnConfig()), features=LogMelConfig(), window_s=window_s)


def test_an_agnostic_tower_wants_a_trunk() -> None:
    config = SoundEncoderConfig(
        AudioTower(agnostic=SpectrogramStemConfig()), features=LogMelConfig()
    )
    with pytest.raises(EarShotError, match="without a trunk"):
        build_sound_encoder(config)


def test_kaldi_and_waveform_fill_windows() -> None:
    audio = AudioTower(strips=StripTransformerConfig(32, strip=4, dim=16, depth=1, n_heads=2))
    fbank = KaldiFbankConfig(n_mels=32)
    config = SoundEncoderConfig(audio, fbank=fbank, window_s=1.0, fill="zeros")
    model = seeded(lambda: build_sound_encoder(config))
    assert model.window_frames == 98
    with torch.inference_mode():
        _, n_frames = model.frames(*padded(sounds([4_000]), 4_000))
    assert n_frames.tolist() == [98]
