"""What every layer of an encoder says of a sound, position by position in time."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from earshot.layers.pooling import padding_of


@dataclass(frozen=True)
class LayerStates:
    """Hidden states of a batch, from the first layer to the last."""

    hidden: tuple[Tensor, ...]  # each [batch, positions, dim]; the output comes last
    n_positions: Tensor  # [batch], real ones
    position_frames: float | None = None  # where it is not the encoder's own of that name

    @property
    def padding(self) -> Tensor:
        """True where padded, [batch, positions]."""
        return padding_of(self.n_positions, self.hidden[-1].shape[1])

    @property
    def last(self) -> Tensor:
        """The last layer's, [batch, positions, dim]."""
        return self.hidden[-1]
