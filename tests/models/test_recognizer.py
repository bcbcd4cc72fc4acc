from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.models.audio_tower import build_sound_encoder
from earshot.models.recognizer import Recognizer, build_recognizer
from earshot.objectives.ctc import ctc_greedy
from recipes.tiny_ainu import tiny_config

SOUND = tiny_config().model


def recognizer() -> Recognizer:
    torch.manual_seed(0)
    return build_recognizer(SOUND, 9).eval()


def test_what_is_read_depends_on_neither_padding_nor_mates() -> None:
    model = recognizer()
    waveform = torch.randn(3, 16_000, generator=torch.Generator().manual_seed(1)) * 0.1
    n_samples = torch.tensor([16_000, 7_000, 200])
    together = model.hear(waveform, n_samples)
    read = model.read(waveform, n_samples)
    for i, n in enumerate(n_samples.tolist()):
        alone = model.hear(waveform[i : i + 1, :n], n_samples[i : i + 1])
        n_real = int(alone.n_positions[0])
        torch.testing.assert_close(together.logits[i, :n_real], alone.logits[0], atol=1e-5, rtol=0)
        assert read[i] == ctc_greedy(alone.logits, alone.n_positions)[0]


def test_it_embeds_as_the_encoder_alone_does() -> None:
    model, plain = recognizer(), build_sound_encoder(SOUND).eval()
    plain.load_state_dict({n: v for n, v in model.state_dict().items() if "head" not in n})
    waveform, n = torch.randn(2, 8_000), torch.tensor([8_000, 5_000])
    assert torch.equal(model.embed_audio(waveform, n), plain.embed_audio(waveform, n))
    assert model.seconds_a_position == pytest.approx(0.04)


def test_a_frozen_encoder_learns_nothing() -> None:
    model = recognizer().train()
    log_mel, n_frames = model.frames(torch.randn(2, 8_000), torch.tensor([8_000, 8_000]))
    model.hear_frames(log_mel, n_frames, frozen=True).logits.sum().backward()
    assert model.head.weight.grad is not None
    assert all(value.grad is None for value in model.audio_encoder.parameters())
    model.hear_frames(log_mel, n_frames).logits.sum().backward()
    assert model.audio_encoder.model.feature_projection.projection.weight.grad is not None


def test_encoders_without_time_are_refused() -> None:
    parts = vars(recognizer())["_modules"]
    with pytest.raises(EarShotError, match="got Identity, which hears a clip as a whole"):
        Recognizer(
            n_symbols=9,
            features=parts["features"],
            audio_encoder=torch.nn.Identity(),
            sample_rate=16_000,
            window_s=4.0,
        )
