"""No encoder at all: the frames of the front end as they are, the floor of every comparison."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real, padding_of


@dataclass(frozen=True)
class MelFramesConfig:
    """How many bands a frame has."""

    n_mels: int = 64

    def __post_init__(self) -> None:
        if self.n_mels < 1:
            raise EarShotError(
                got=f"n_mels={self.n_mels}", expected="1 or more", mend="Give the front end's."
            )


class MelFrames(nn.Module):
    """The mean of a clip's log-mel frames; its one layer is the frames themselves."""

    position_frames = 1.0

    def __init__(self, config: MelFramesConfig) -> None:
        super().__init__()
        self.config, self.dim = config, config.n_mels

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> [batch, n_mels]."""
        states = self.layers(log_mel, n_frames)
        return mean_of_real(states.last, states.padding)

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The frames [batch, frames, n_mels], zero where padded."""
        check_shape(
            "log_mel",
            log_mel,
            ("batch", self.config.n_mels, "frames"),
            mend="Give the log-mel and this encoder the same n_mels.",
        )
        padding = padding_of(n_frames, log_mel.shape[2])
        return LayerStates((log_mel.masked_fill(padding[:, None], 0.0).transpose(1, 2),), n_frames)
