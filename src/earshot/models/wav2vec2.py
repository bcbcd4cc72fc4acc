"""wav2vec 2.0 in the place of a speech-to-text model's encoder: it hears the waveform itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from earshot.core.errors import EarShotError
from earshot.encoders.wav2vec2 import Wav2Vec2EncoderConfig, convolve_each
from earshot.features import Waveform
from earshot.models.speech_to_text import SpeechToText, SpeechToTextConfig, States
from earshot.text.vocabulary import PAD

WAV2VEC2_RATE = 16_000  # Hz


@dataclass(frozen=True)
class Wav2Vec2Sizes:
    """Sizes of the encoder; the defaults are wav2vec 2.0 base. Source: arXiv:2006.11477."""

    depth: int = 12
    n_heads: int = 12
    mlp_dim: int = 3_072
    conv_dim: int = 512  # channels of the seven convolutions, 50 frames a second
    dropout: float = 0.1


class Wav2Vec2ToText(SpeechToText):
    """A SpeechToText whose states come from `transformers`' Wav2Vec2Model.

    The convolutions are frozen. They run clip by clip, because their group norm runs over the whole
    clip: states then depend neither on padding nor on batch-mates. The output projection is a
    matrix of its own.
    """

    def __init__(self, config: SpeechToTextConfig, sizes: Wav2Vec2Sizes) -> None:
        if config.encoder_depth or config.conv_kernels or config.log_mel or config.fbank:
            raise EarShotError(
                got=f"encoder_depth={config.encoder_depth}, conv_kernels={config.conv_kernels} and "
                "a front end beside wav2vec 2.0",
                expected="encoder_depth=0, no conv_kernels, no log_mel, no fbank",
                mend="wav2vec 2.0 is the whole encoder: leave the other one out.",
            )
        super().__init__(config)
        self.model.model.encoder = Wav2Vec2Model(wav2vec2_config(config.dim, sizes))
        self.model.model.encoder.feature_extractor._freeze_parameters()
        self.model.lm_head = nn.Linear(config.dim, config.vocab_size)
        nn.init.xavier_uniform_(self.model.lm_head.weight)
        nn.init.zeros_(self.model.lm_head.bias)

    @property
    def sample_rate(self) -> int:
        """What `hear` expects in Hz."""
        return WAV2VEC2_RATE

    def hear(self, waveform: Tensor, n_samples: Tensor) -> States:
        """States of sound: waveform [batch, samples] at 16 kHz, n_samples [batch]."""
        level, _ = Waveform()(waveform, n_samples)  # each clip to mean 0, variance 1
        with torch.no_grad():
            rows, n_positions = convolve_each(
                self.encoder.feature_extractor, level[:, 0], n_samples
            )
        hidden, _ = self.encoder.feature_projection(rows)
        states = States(hidden, n_positions)
        heard = self.encoder.encoder(hidden, attention_mask=~states.padding).last_hidden_state
        return States(heard.masked_fill(states.padding[..., None], 0.0), n_positions)


def wav2vec2_config(dim: int, sizes: Wav2Vec2Sizes) -> Wav2Vec2Config:
    """The encoder in transformers' words, without its own masking of frames."""
    encoder = Wav2Vec2EncoderConfig(
        dim=dim,
        depth=sizes.depth,
        n_heads=sizes.n_heads,
        mlp_dim=sizes.mlp_dim,
        conv_dim=sizes.conv_dim,
        dropout=sizes.dropout,
    )
    return encoder.library_config(mask_time_prob=0.0, pad_token_id=PAD)
