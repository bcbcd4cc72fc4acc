from __future__ import annotations

import pytest
import torch
from transformers import Wav2Vec2Model

from earshot.core.errors import EarShotError
from earshot.features import LogMelConfig
from earshot.models.speech_to_text import SpeechToTextConfig
from earshot.models.wav2vec2 import Wav2Vec2Sizes, Wav2Vec2ToText, wav2vec2_config

TINY = Wav2Vec2Sizes(depth=2, n_heads=4, mlp_dim=64, conv_dim=16)
WRITER = SpeechToTextConfig(
    vocab_size=20,
    dim=32,
    mlp_dim=64,
    n_heads=4,
    encoder_depth=0,
    decoder_depth=1,
    conv_kernels=(),
    most_tokens=6,
)


def tiny() -> Wav2Vec2ToText:
    torch.manual_seed(0)
    return Wav2Vec2ToText(WRITER, TINY).eval()


def test_states_are_the_library_s() -> None:
    """One whole clip, brought to mean 0 and variance 1, through transformers' own forward."""
    model = tiny()
    library = Wav2Vec2Model(wav2vec2_config(32, TINY)).eval()
    library.load_state_dict(model.encoder.state_dict())
    waveform = torch.randn(1, 5_000, generator=torch.Generator().manual_seed(1)) * 0.1 + 0.02
    level = (waveform - waveform.mean()) / (waveform.var(correction=0) + 1e-7).sqrt()
    with torch.inference_mode():
        expected = library(level).last_hidden_state
        states = model.hear(waveform, torch.tensor([5_000]))
    torch.testing.assert_close(states.hidden, expected, atol=1e-5, rtol=0)


def test_padding_and_mates_change_nothing() -> None:
    model = tiny()
    waveform = torch.randn(3, 6_000, generator=torch.Generator().manual_seed(2))
    n_samples = torch.tensor([6_000, 3_100, 150])  # the last is shorter than a frame
    with torch.inference_mode():
        together = model.hear(waveform, n_samples)
        for row, n in enumerate(n_samples):
            alone = model.hear(waveform[row : row + 1, :n], n[None])
            n_real = int(alone.n_positions[0])
            assert n_real == int(together.n_positions[row])
            torch.testing.assert_close(
                together.hidden[row, :n_real], alone.hidden[0], atol=1e-5, rtol=0
            )
            assert not together.hidden[row, n_real:].any()
        assert model.write(together, n_beams=2) == [
            model.write(model.hear(waveform[i : i + 1, :n], n[None]), n_beams=2)[0]
            for i, n in enumerate(n_samples)
        ]


def test_the_convolutions_are_frozen_and_the_rest_learns() -> None:
    model = tiny().train()
    tokens = torch.tensor([[5, 6, 2]])
    model.loss(model.hear(torch.randn(1, 4_000), torch.tensor([4_000])), tokens).backward()
    for name, value in model.encoder.named_parameters():
        frozen = name.startswith("feature_extractor")
        assert value.requires_grad != frozen
        assert (value.grad is None) == frozen, name


def test_another_front_end_beside_it_is_refused() -> None:
    from dataclasses import replace

    with pytest.raises(EarShotError, match="the whole encoder"):
        Wav2Vec2ToText(replace(WRITER, encoder_depth=1), TINY)
    heard = replace(WRITER, log_mel=LogMelConfig(n_mels=80))
    with pytest.raises(EarShotError, match="the whole encoder"):
        Wav2Vec2ToText(heard, TINY)
