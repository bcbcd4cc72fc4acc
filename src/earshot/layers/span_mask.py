"""Spans of a sequence to hide, as wav2vec 2.0 draws them: starts by chance, a fixed length."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


@dataclass(frozen=True)
class SpanMaskConfig:
    """How much is hidden; the defaults are those of wav2vec 2.0, about 49 % of a long sequence."""

    start_probability: float = 0.065  # of a position to be the start of a span
    length: int = 10  # positions of a span; spans may overlap
    least_spans: int = 2  # of a sequence that has room for so many

    def __post_init__(self) -> None:
        if not 0 <= self.start_probability <= 1 or self.length < 1 or self.least_spans < 0:
            raise EarShotError(
                got=f"start_probability={self.start_probability:g}, length={self.length}, "
                f"least_spans={self.least_spans}",
                expected="a probability, a length of at least 1 and a count of at least 0",
                mend="wav2vec 2.0 has 0.065, 10 and 2.",
            )


def span_mask(
    n_positions: Tensor,
    size: int,
    config: SpanMaskConfig | None = None,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Where to hide: n_positions [batch], real ones -> bool [batch, size], True inside a span.

    The number of starts is start_probability * n_positions, rounded up or down by chance so that
    this is its mean, and at least `least_spans`, but never so many that they could hide everything;
    they are drawn without putting back among those whose span ends within the real positions.
    Sequences shorter than two spans have one of half their length; of one position nothing is
    hidden. Draws from `generator`, else from torch's own for the device of `n_positions`.
    Source: arXiv:2006.11477, section 4.2, counted as its released code does.
    """
    check_shape("n_positions", n_positions, ("batch",), mend="Give every sequence its length.")
    config = config or SpanMaskConfig()
    device = generator.device if generator is not None else n_positions.device
    batch = len(n_positions)
    draw = torch.rand(batch, size + 1, generator=generator, device=device).to(n_positions.device)
    rounding, order = draw[:, 0], draw[:, 1:]
    n_positions = n_positions.clamp(max=size)
    length = (n_positions // 2).clamp(min=1, max=config.length)  # [batch]
    n_starts = (n_positions - length + 1).clamp(min=0)  # [batch], places where a span fits
    wanted = (config.start_probability * n_positions + rounding).long()
    most = (n_positions - 1).clamp(min=0) // length
    wanted = wanted.clamp(min=config.least_spans).minimum(most)  # [batch]
    place = torch.arange(size, device=n_positions.device)  # [size]
    order = order.masked_fill(place >= n_starts[:, None], 2.0)  # places that cannot be: last
    rank = order.argsort(1).argsort(1)  # [batch, size]
    begun = (rank < wanted[:, None]).long().cumsum(1)  # starts up to and with each position
    before = (place - length[:, None]).clamp(min=0)  # [batch, size]
    ended = begun.gather(1, before) * (place >= length[:, None])
    return begun > ended
