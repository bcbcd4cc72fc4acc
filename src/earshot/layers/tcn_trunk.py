"""A temporal convolution network over any series: what TS2Vec, CoST and AutoTCL encode with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.layers.dilated_convs import CausalAverage, DilatedConvs, Direction


@dataclass(frozen=True)
class TcnTrunkConfig:
    """Sizes of a TcnTrunk; the defaults are CoST's and AutoTCL's encoder."""

    width: int = 64  # of the residual blocks
    depth: int = 10  # residual blocks before the last one, which leads to dim
    dim: int = 320
    kernel: int = 3  # steps
    causal_kernels: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)  # steps; none leaves them out
    direction: Direction = "centred"  # of the blocks

    def __post_init__(self) -> None:
        sizes = (self.width, self.dim, self.kernel, *self.causal_kernels)
        if min(sizes) < 1 or not 0 <= self.depth <= 30:
            raise EarShotError(
                got=f"width={self.width}, dim={self.dim}, kernel={self.kernel}, "
                f"depth={self.depth}, causal_kernels={self.causal_kernels}",
                expected="sizes of at least 1 and a depth of 0 to 30: block i is dilated 2^i",
                mend="The paper has 64, 320, 3, 10 and 1 to 128.",
            )

    @property
    def before(self) -> int:
        """Earlier steps that a step's output depends on."""
        reach = 2 * (self.kernel - 1) * (2 ** (self.depth + 1) - 1)
        blocks = reach if self.direction == "causal" else reach // 2
        return blocks + max(self.causal_kernels, default=1) - 1


class TcnTrunk(nn.Module):
    """A linear map of every step, dilated residual blocks, and the mean of causal convolutions.

    Source: arXiv:2202.01575 (the trend branch), arXiv:2402.10434, 4.1; names of weights as in their
    code.
    """

    def __init__(self, n_channels: int, config: TcnTrunkConfig) -> None:
        super().__init__()
        self.n_channels = n_channels
        self.input_fc = nn.Linear(n_channels, config.width)
        widths: Sequence[int] = [config.width] * config.depth + [config.dim]
        self.feature_extractor = DilatedConvs(
            config.width, widths, kernel=config.kernel, direction=config.direction
        )
        self.tfd = (
            CausalAverage(config.dim, config.dim, config.causal_kernels)
            if config.causal_kernels
            else None
        )

    def states(
        self, series: Tensor, padding: Tensor | None = None, hidden_steps: Tensor | None = None
    ) -> list[Tensor]:
        """What every stage says, each [batch, steps, its width], the output last.

        series [batch, steps, channels]; padding [batch, steps], True past each series' end, is
        never heard. A step with a missing value (NaN), and one of `hidden_steps` [batch, steps],
        is silence to the blocks.
        """
        check_shape(
            "series",
            series,
            ("batch", "steps", self.n_channels),
            mend="Give the series and the network the same number of channels.",
        )
        missing = series.isnan().any(-1)  # [batch, steps]
        hidden = self.input_fc(series.masked_fill(missing[..., None], 0.0))
        for silent in (missing, padding, hidden_steps):
            if silent is not None:
                hidden = hidden.masked_fill(silent[..., None], 0.0)
        states = self.feature_extractor.layers(hidden.transpose(1, 2), padding)
        if self.tfd is not None:
            states.append(self.tfd(states[-1], padding))
        return [state.transpose(1, 2) for state in states]

    def forward(
        self, series: Tensor, padding: Tensor | None = None, hidden_steps: Tensor | None = None
    ) -> Tensor:
        """The output [batch, steps, dim] alone; arguments as `states` has them."""
        return self.states(series, padding, hidden_steps)[-1]
