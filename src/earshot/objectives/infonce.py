"""The symmetric contrastive loss of CLAP, computed in float32 over every process's rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.objectives.gather import first_row, gather_rows, n_processes


class InfoNCE(nn.Module):
    """Tell each clip's own caption from the others in the batch, and each caption's own clip.

    `local_rows` scores only this process's rows against everyone's: memory grows with the
    number of processes and not with its square. The loss is then this process's share; its mean
    over processes, and every gradient after averaging, are those of the whole.
    Source: arXiv:2211.06687, Eq. 1; scale stands for 1 / tau.
    """

    def __init__(self, *, local_rows: bool = False):
        super().__init__()
        self.local_rows = local_rows

    def forward(
        self,
        audio_embeddings: Tensor,
        text_embeddings: Tensor,
        scale: Tensor,
        *,
        groups: Tensor | None = None,
        positives: Tensor | None = None,
    ) -> Tensor:
        """Mean loss in nats. Embeddings [batch, dim]: unit rows, paired by row, of one shape.

        groups [batch] int64: rows of one group are all each other's positives, in equal parts.
        positives [batch, all rows]: how much each clip's own captions weigh, zero for none; it is
        normalised by row (clip to caption) and by column. Without either, row i pairs with row i.
        Raises EarShotError for shapes that do not fit and for NaN or infinite input.
        """
        with torch.autocast(audio_embeddings.device.type, enabled=False):
            return self._loss(
                audio_embeddings.float(), text_embeddings.float(), scale.float(), groups, positives
            )

    def _loss(
        self,
        audio: Tensor,
        text: Tensor,
        scale: Tensor,
        groups: Tensor | None,
        positives: Tensor | None,
    ) -> Tensor:
        check_pairs(audio, text)
        n_rows, start = len(audio), first_row(len(audio))
        all_audio, all_text = gather_rows(audio), gather_rows(text)  # [all rows, dim]
        target = _targets(n_rows, len(all_audio), groups, positives, audio.device)
        own = slice(start, start + n_rows) if self.local_rows else slice(None)
        loss = cross_entropy(scale * all_audio[own] @ all_text.T, target[own])
        loss = loss + cross_entropy(scale * all_text[own] @ all_audio.T, target.T[own])
        return check_finite(loss / 2)


def cross_entropy(logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean over rows of the cross-entropy of logits and target, both [rows, columns], in nats.

    target rows are normalised here; a row without any positive counts for nothing. weights [rows]
    make it a weighted mean.
    """
    mass = target.sum(1)
    target = target / mass.clamp(min=torch.finfo(target.dtype).tiny)[:, None]
    losses = -(target * logits.log_softmax(1)).sum(1)
    weights = (mass > 0).to(losses) if weights is None else weights * (mass > 0)
    return (losses * weights).sum() / weights.sum()


def check_pairs(audio: Tensor, text: Tensor) -> None:
    """Refuse rows that do not pair, and numbers that are none."""
    mend = "Pass one caption per clip, projected to the same dim."
    check_shape("audio_embeddings", audio, ("batch", "dim"), mend=mend)
    check_shape("text_embeddings", text, tuple(audio.shape), mend=mend)
    for name, rows in (("audio_embeddings", audio), ("text_embeddings", text)):
        if not bool(torch.isfinite(rows).all()):
            raise EarShotError(
                got=f"{name} with NaN or infinite values",
                expected="finite numbers",
                mend="Lower the learning rate, clip gradients, or train in bf16 or fp32, not fp16.",
            )


def check_finite(loss: Tensor) -> Tensor:
    """`loss`, refused when it is NaN or infinite."""
    if not bool(torch.isfinite(loss)):
        raise EarShotError(
            got=f"a loss of {float(loss)}",
            expected="a finite number",
            mend="Check the scale (at most 100) and that every row has a positive.",
        )
    return loss


def _targets(
    n_rows: int,
    n_all: int,
    groups: Tensor | None,
    positives: Tensor | None,
    device: torch.device,
) -> Tensor:
    """What each clip's captions weigh, [all rows, all rows]."""
    if groups is not None and positives is not None:
        raise EarShotError(
            got="both groups and positives",
            expected="one of them",
            mend="groups say which rows belong together; positives say how much.",
        )
    if groups is not None:
        check_shape("groups", groups, (n_rows,), mend="Give every pair one group number.")
        everyone = gather_rows(groups)
        return (everyone[:, None] == everyone[None]).float()
    if positives is not None:
        mend = "Give every clip a weight for every caption of all processes."
        check_shape("positives", positives, (n_rows, n_all), mend=mend)
        if bool((positives < 0).any()):
            raise EarShotError(
                got="negative positives", expected="weights of zero or more", mend="Clamp them."
            )
        return gather_rows(positives.detach().float())
    return torch.eye(n_all, device=device)


__all__ = ["InfoNCE", "check_finite", "check_pairs", "cross_entropy", "n_processes"]
