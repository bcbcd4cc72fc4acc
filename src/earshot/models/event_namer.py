"""Names of the sounds in a recording, as far as each is likely enough to be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.models.halves import PARTS

APART = 4.0  # logits between halves from which on one sound comes after another
THEN, WITH, UNTOLD = ", then ", " with ", ", "  # one after the other, at once, either


@dataclass(frozen=True)
class EventNamerConfig:
    """What may be named."""

    names: tuple[str, ...] = ()
    hidden: int = 256
    dropout: float = 0.3
    most: int = 3  # names of one sound

    def __post_init__(self) -> None:
        if len(set(self.names)) < 2 or min(self.hidden, self.most) < 1:
            raise EarShotError(
                got=f"{len(set(self.names))} names, hidden={self.hidden}, most={self.most}",
                expected="two or more names, and sizes of at least 1",
                mend="Change that field.",
            )


class EventNamer(nn.Module):
    """How likely each name is in a sound and in its halves, and which names are said.

    The surest name is said where its logit reaches its threshold, `least`; further ones where
    theirs reach `more` above it. Both are set on sounds that training did not have.
    """

    least: Tensor
    more: Tensor

    def __init__(self, dim: int, config: EventNamerConfig) -> None:
        super().__init__()
        self.config = config
        n_names = len(config.names)
        self.judge = nn.Sequential(
            nn.Linear(len(PARTS) * dim, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, len(PARTS) * n_names),
        )
        self.register_buffer("least", torch.zeros(n_names))
        self.register_buffer("more", torch.zeros(()))

    def forward(self, heard: Tensor) -> Tensor:
        """Logits [batch, parts, names] of unit rows [batch, parts, dim], whole and halves."""
        every = heard.flatten(1) * heard.shape[-1] ** 0.5
        return self.judge(every).unflatten(1, (len(PARTS), -1))

    def said(self, logits: Tensor) -> list[list[int]]:
        """Places of the names that are said of each sound, the surest first."""
        margins = logits[:, 0] - self.least
        order = margins.argsort(dim=1, descending=True, stable=True)[:, : self.config.most]
        enough = margins.gather(1, order)
        enough[:, 1:] -= self.more
        return [
            [place for place, margin in zip(*row, strict=True) if margin >= 0]
            if row[1][0] >= 0
            else []
            for row in zip(order.tolist(), enough.tolist(), strict=True)
        ]

    @torch.no_grad()
    def prompts(self, heard: Tensor) -> list[str]:
        """For each sound the names that are said, "dog bark, then rain:"; "" where none is."""
        logits = self(heard)
        return [self._prompt(*each) for each in zip(logits, self.said(logits), strict=True)]

    def _prompt(self, logits: Tensor, named: list[int]) -> str:
        """logits [parts, names], places of names."""
        if len(named) < 2:
            return prompt_of([self.config.names[place] for place in named], UNTOLD)
        lead = {place: float(logits[1, place] - logits[2, place]) for place in named}
        order = sorted(named, key=lambda place: -lead[place])  # those of the first half first
        names = [self.config.names[place] for place in order]
        apart = lead[order[0]] - lead[order[-1]]
        tie = UNTOLD if len(named) > 2 else THEN if apart > APART else WITH
        return prompt_of(names, tie)


def prompt_of(names: Sequence[str], tie: str) -> str:
    """Names as the writer reads them before it writes."""
    return f"{tie.join(names)}:" if names else ""
