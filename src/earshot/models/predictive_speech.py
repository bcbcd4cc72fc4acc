"""Speech that foretells itself: a causal encoder of frames taught to tell what comes next."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from earshot.encoders.frame_encoder import FrameEncoder, FrameEncoderConfig
from earshot.features import LogMel, LogMelConfig
from earshot.models.sound_encoder import SoundEncoder
from earshot.objectives.cpc import cpc_loss


@dataclass(frozen=True)
class PredictiveSpeechConfig:
    """A front end, a GRU over its frames, and how far it looks ahead."""

    features: LogMelConfig = field(
        default_factory=lambda: LogMelConfig(
            sample_rate=16_000, n_fft=400, hop_length=160, n_mels=40, f_max=8_000.0
        )
    )
    encoder: FrameEncoderConfig = field(
        default_factory=lambda: FrameEncoderConfig(kind="gru", depth=2)
    )
    n_horizons: int = 6  # positions ahead
    n_negatives: int = 128
    window_s: float = 10.0


class PredictiveSpeech(nn.Module):
    """A SoundEncoder in training: each state must tell the next latents from others'.

    Source: contrastive predictive coding, arXiv:1807.03748.
    """

    def __init__(self, config: PredictiveSpeechConfig) -> None:
        super().__init__()
        self.config = config
        self.sound = SoundEncoder(
            features=LogMel(config.features),
            audio_encoder=FrameEncoder(config.encoder),
            sample_rate=config.features.sample_rate,
            window_s=config.window_s,
        )
        dim = config.encoder.dim
        self.ahead = nn.ModuleList(nn.Linear(dim, dim) for _ in range(config.n_horizons))

    def forward(self, waveform: Tensor) -> dict[str, Tensor]:
        """waveform [batch, samples], all of one length -> "loss" in nats, and "accuracy"."""
        n_samples = torch.full((len(waveform),), waveform.shape[1], device=waveform.device)
        states = self.sound.layers(waveform, n_samples)
        predictions = torch.stack([linear(states.last) for linear in self.ahead])
        score = cpc_loss(predictions, states.hidden[0], states.n_positions, self.config.n_negatives)
        return {"loss": score.loss, "accuracy": score.accuracy}
