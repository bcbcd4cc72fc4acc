"""wav2vec 2.0 in the place of a speech-to-text model's encoder: it hears the waveform itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import Wav2Vec2Config, Wav2Vec2Model

from earshot.core.errors import EarShotError
from earshot.models.speech_to_text import SpeechToText, SpeechToTextConfig, States
from earshot.text.vocabulary import PAD

LEAST_SAMPLES = 400  # what one frame of the convolutions hears, 25 ms
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
        with torch.no_grad():
            rows = [self._convolve(row[:n]) for row, n in zip(waveform, n_samples, strict=True)]
        n_positions = torch.tensor([len(row) for row in rows], device=waveform.device)
        hidden, _ = self.encoder.feature_projection(pad_sequence(rows, batch_first=True))
        states = States(hidden, n_positions)
        heard = self.encoder.encoder(hidden, attention_mask=~states.padding).last_hidden_state
        return States(heard.masked_fill(states.padding[..., None], 0.0), n_positions)

    def _convolve(self, waveform: Tensor) -> Tensor:
        """Frames [positions, conv_dim] of one clip, brought to mean 0 and variance 1."""
        if len(waveform) < LEAST_SAMPLES:
            waveform = nn.functional.pad(waveform, (0, LEAST_SAMPLES - len(waveform)))
        level = (waveform - waveform.mean()) / (waveform.var(correction=0) + 1e-7).sqrt()
        return self.encoder.feature_extractor(level[None])[0].T


def wav2vec2_config(dim: int, sizes: Wav2Vec2Sizes) -> Wav2Vec2Config:
    """The encoder in transformers' words, without its own masking of frames."""
    return Wav2Vec2Config(
        hidden_size=dim,
        num_hidden_layers=sizes.depth,
        num_attention_heads=sizes.n_heads,
        intermediate_size=sizes.mlp_dim,
        conv_dim=(sizes.conv_dim,) * 7,
        hidden_dropout=sizes.dropout,
        attention_dropout=sizes.dropout,
        activation_dropout=sizes.dropout,
        feat_proj_dropout=sizes.dropout,
        layerdrop=0.0,
        mask_time_prob=0.0,
        pad_token_id=PAD,
    )
