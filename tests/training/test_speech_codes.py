from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from earshot.audio import Audio
from earshot.data import BatchLoader, Clip, ClipSet
from earshot.encoders.conformer import ConformerConfig
from earshot.features import KaldiFbankConfig
from earshot.layers.pooling import padding_of
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.sound_encoder import SoundEncoder
from earshot.training.speech_codes import code_information, held_out_figures
from earshot.training.speech_probes import Spoken


class Loudest(nn.Module):
    """Codes that are known: the loudest of four bands of a position's first frame; two codebooks,
    the second always 0."""

    n_codes = 4

    def codes(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        first = log_mel[:, :, ::2][..., : log_mel.shape[2] // 2].argmax(1)
        return torch.stack([first, 0 * first], -1), padding_of(n_frames // 2, first.shape[1])

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        loss = n_frames.float().mean()
        return {"loss": loss, "noise": torch.rand(()), "code_perplexity": loss}


def hearing() -> SoundEncoder:
    conformer = ConformerConfig(n_mels=4, dim=8, depth=1, n_heads=2, inner_dim=8, kernel=3)
    return build_sound_encoder(
        SoundEncoderConfig(
            audio=AudioTower(conformer=conformer), fbank=KaldiFbankConfig(n_mels=4), window_s=2.0
        )
    )


def tone(hz: float, n: int) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(n) / 16_000)).astype(np.float32)


def loader(n_frames: tuple[int, ...], hz: tuple[float, ...]) -> BatchLoader:
    clips = [
        Clip(Audio(tone(each, 400 + 160 * (n - 1)), 16_000), labels=("a",), id=str(i))
        for i, (n, each) in enumerate(zip(n_frames, hz, strict=True))
    ]
    return BatchLoader(ClipSet(clips), batch_size=2, sample_rate=16_000, workers=0, bucket=False)


def test_parts_are_means_over_clips_and_the_perplexity_is_of_all_real_positions() -> None:
    batches = loader((20, 20, 10), (300.0, 300.0, 5_000.0))
    found = held_out_figures(Loudest(), hearing(), batches.epoch(), seed=3)
    torch.rand(7)
    assert found == held_out_figures(Loudest(), hearing(), batches.epoch(), seed=3)
    assert found["test_loss"] == pytest.approx(50 / 3)
    share = np.array([20, 5]) / 25  # positions of the two tones
    first = np.exp(-(share * np.log(share)).sum())
    assert found["code_perplexity"] == pytest.approx((first + 1) / 2)
    assert set(found) == {"test_loss", "test_noise", "code_perplexity"}


def test_codes_that_are_the_phones_say_all_of_them() -> None:
    sounds = [np.concatenate([tone(300.0, 8_000), tone(5_000.0, 8_000)]) for _ in range(4)]
    phones = np.repeat([3, 7], 50)
    told = code_information(Loudest(), hearing(), Spoken(sounds, [phones] * 4, {}))
    assert told > 0.7  # a window reaches over the border
    blind = code_information(Loudest(), hearing(), Spoken(sounds, [phones[::100]] * 4, {}))
    assert blind == 0.0  # one phone: nothing to say
    swapped = [phones, phones[::-1]] * 2
    assert code_information(Loudest(), hearing(), Spoken(sounds, swapped, {})) < 0.05
