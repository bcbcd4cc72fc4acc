"""Whisper's encoder as a speech tower: one row a clip, the mean over its real positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real, padding_of

SILENCE, RANGE = -10.0, 8.0  # log10 of the least power; what lies further below the peak is cut


@dataclass(frozen=True)
class WhisperConfig:
    """Sizes of a Whisper encoder; the defaults are the base model's. Source: arXiv:2212.04356."""

    n_mels: int = 80
    window_frames: int = 3_000  # 30 s; shorter clips are followed by silence
    dim: int = 512
    depth: int = 6
    n_heads: int = 8
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.window_frames < 2 or self.window_frames % 2:
            raise EarShotError(
                got=f"window_frames={self.window_frames}",
                expected="an even number of frames, two for each position",
                mend="The published encoders have 3000.",
            )

    @classmethod
    def tiny(cls) -> WhisperConfig:
        """8.2 M parameters."""
        return cls(dim=384, depth=4, n_heads=6)

    @classmethod
    def base(cls) -> WhisperConfig:
        """20.6 M parameters."""
        return cls()

    def library_config(self) -> Any:
        """The same for `transformers`, with the decoder that the published models of it have."""
        from transformers import WhisperConfig as LibraryConfig

        return LibraryConfig(
            num_mel_bins=self.n_mels,
            d_model=self.dim,
            encoder_layers=self.depth,
            encoder_attention_heads=self.n_heads,
            encoder_ffn_dim=4 * self.dim,
            decoder_layers=self.depth,
            decoder_attention_heads=self.n_heads,
            decoder_ffn_dim=4 * self.dim,
            max_source_positions=self.window_frames // 2,
            dropout=self.dropout,
        )


class WhisperSpeech(nn.Module):
    """`transformers`' WhisperEncoder over a full window, averaged where there was sound.

    It wants LogMelConfig.whisper(). Padding and batch-mates never change a row: a clip is always
    followed by digital silence up to the window.
    """

    position_frames = 2.0  # the second convolution halves the frames

    def __init__(self, config: WhisperConfig):
        super().__init__()
        from transformers.models.whisper.modeling_whisper import WhisperEncoder

        self.config, self.dim = config, config.dim
        self.model = WhisperEncoder(config.library_config())

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames] in dB, n_frames [batch]: real lengths -> [batch, dim]."""
        hidden = self.model(self.rescaled(log_mel, n_frames)).last_hidden_state
        return mean_of_real(hidden, padding_of(self._n_real(n_frames), hidden.shape[1]))

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """Hidden states [batch, window_frames / 2, dim] from the convolutions to the last layer."""
        found = self.model(self.rescaled(log_mel, n_frames), output_hidden_states=True)
        return LayerStates(tuple(found.hidden_states), self._n_real(n_frames))

    def _n_real(self, n_frames: Tensor) -> Tensor:
        return (n_frames.clamp(max=self.config.window_frames) + 1) // 2

    def rescaled(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """What Whisper reads [batch, n_mels, window_frames]: 80 dB below each clip's peak, scaled.

        Frames beyond the window are cut: with a window of 30 s that is the last one alone.
        """
        config = self.config
        check_shape(
            "log_mel",
            log_mel,
            ("batch", config.n_mels, "frames"),
            mend="Give the log-mel and this encoder the same n_mels.",
        )
        padding = padding_of(n_frames, log_mel.shape[2])[:, None]  # [batch, 1, frames]
        log_power = (log_mel.float() / 10).masked_fill(padding, SILENCE)
        width = config.window_frames
        log_power = F.pad(log_power, (0, max(0, width - log_power.shape[2])), value=SILENCE)
        log_power = log_power[..., :width]
        peak = log_power.amax((1, 2), keepdim=True)
        return (torch.maximum(log_power, peak - RANGE) + 4.0) / 4.0
