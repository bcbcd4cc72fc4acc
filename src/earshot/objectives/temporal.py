"""TNCE: tell a clip of two events from the same two in reverse order, and from both at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.objectives.candidates import contrast
from earshot.objectives.gather import gather_rows
from earshot.objectives.infonce import check_finite, check_pairs

FORWARD, REVERSE, OVERLAP = range(3)  # A then B, B then A, A with B: the versions of a pair
N_VERSIONS = 3


@dataclass(frozen=True)
class TemporalConfig:
    """How much each kind of negative and each kind of anchor weighs; all 0 is plain InfoNCE."""

    alpha_same: float = 1.0  # the other two versions of the anchor's own pair, as negatives
    alpha_cross: float = 1.0  # the other two versions of everyone else's pairs
    beta: float = 1.0  # anchors in reverse order
    gamma: float = 1.0  # anchors that overlap

    def __post_init__(self) -> None:
        for name in ("alpha_same", "alpha_cross", "beta", "gamma"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise EarShotError(
                    got=f"{name}={getattr(self, name)}",
                    expected="a number from 0 on",
                    mend=f"Set {name} to 1, or to 0 to leave that term out.",
                )


class TemporalNCE(nn.Module):
    """InfoNCE over pairs of events, with the reversed and the overlapped version as negatives.

    An anchor's candidates are all rows of its own version, the other two versions of its own pair
    `alpha_same` times, and those of the other pairs `alpha_cross` times. The loss is that of
    forward anchors plus `beta` times that of reversed and `gamma` times that of overlapped ones,
    each the mean of both directions.
    Source: arXiv:2408.09269 (TNCE), after arXiv:2301.02074, Eqs. 3-6.
    Differs: the paper leaves the extra terms vague; this is what they must be for zeros to give
    InfoNCE.
    """

    def __init__(self, config: TemporalConfig | None = None):
        super().__init__()
        self.config = config or TemporalConfig()

    def forward(
        self,
        audio_embeddings: Tensor,
        text_embeddings: Tensor,
        scale: Tensor,
        *,
        meanings: Tensor | None = None,
    ) -> Tensor:
        """Loss in nats. Embeddings [batch, 3, dim]: unit rows; forward, reverse, overlap.

        meanings [batch, 3] int64: rows of one number mean the same, whichever words say it ("A
        after B" is "B before A") and whichever pair they are from; they are each other's positives,
        in equal parts, and nobody's negatives. Without it every row has a meaning of its own.
        Raises EarShotError for shapes that do not fit and for NaN or infinite input.
        """
        check_shape(
            "audio_embeddings",
            audio_embeddings,
            ("batch", N_VERSIONS, "dim"),
            mend="Stack forward, reverse and overlap along the second axis.",
        )
        check_shape("text_embeddings", text_embeddings, tuple(audio_embeddings.shape),
                    mend="Pass one caption per version.")  # fmt: skip
        if meanings is not None:
            check_shape("meanings", meanings, tuple(audio_embeddings.shape[:2]),
                        mend="Give every version of every pair a number.")  # fmt: skip
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            return self._loss(
                audio_embeddings.float(), text_embeddings.float(), scale.float(), meanings
            )

    def _loss(self, audio: Tensor, text: Tensor, scale: Tensor, meanings: Tensor | None) -> Tensor:
        rows_of = (gather_rows(each).flatten(0, 1) for each in (audio, text))
        all_audio, all_text = rows_of  # [pairs * 3, dim]
        check_pairs(all_audio, all_text)
        n = len(all_audio)
        own = torch.arange(n, device=audio.device) if meanings is None else gather_rows(meanings)
        own = own.flatten()
        counted = self._counted(n, audio.device)
        positives = counted * (own[:, None] == own[None])
        logits = scale * all_audio @ all_text.T  # [pairs * 3, pairs * 3]
        both = contrast(logits, positives, counted) + contrast(logits.T, positives, counted)
        by_version = both.view(-1, N_VERSIONS).mean(0) / 2  # [3]
        config = self.config
        anchors = torch.tensor([1.0, config.beta, config.gamma], device=audio.device)
        return check_finite((anchors * by_version).sum())

    def _counted(self, n: int, device: torch.device) -> Tensor:
        """How many times each candidate stands in each anchor's denominator; symmetric."""
        place = torch.arange(n, device=device)
        pair, version = place // N_VERSIONS, place % N_VERSIONS
        same_pair = (pair[:, None] == pair[None]).float()
        same_version = version[:, None] == version[None]
        alpha = same_pair * self.config.alpha_same + (1 - same_pair) * self.config.alpha_cross
        return torch.where(same_version, torch.ones_like(alpha), alpha)
