"""The task of wav2vec 2.0: which quantised vector belongs to a step that was hidden."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape


@dataclass(frozen=True)
class ContrastiveScore:
    """How well the hidden steps were told from others of their utterance."""

    loss: Tensor  # [], mean over masked steps, nats
    accuracy: Tensor  # [], share of masked steps whose own vector is nearer than all distractors


class MaskedContrastive(nn.Module):
    """Cross-entropy of each masked step's own quantised vector against distractors.

    Distractors are other masked steps of the same utterance, drawn evenly and with putting back.
    One that was given the same code is no distractor: it counts for nothing. A step without any
    distractor has loss 0 and counts as not told: a codebook that collapses shows in the accuracy.
    Source: arXiv:2006.11477, Eq. 3; arXiv:2108.06209, section 3.3.
    """

    def __init__(self, n_distractors: int = 100, temperature: float = 0.1) -> None:
        super().__init__()
        if n_distractors < 1 or not temperature > 0:
            raise EarShotError(
                got=f"n_distractors={n_distractors}, temperature={temperature:g}",
                expected="at least one distractor, and a temperature above 0",
                mend="wav2vec 2.0 has 100 and 0.1.",
            )
        self.n_distractors, self.temperature = n_distractors, temperature

    def forward(
        self,
        context: Tensor,
        quantized: Tensor,
        masked: Tensor,
        *,
        codes: Tensor | None = None,
        distractors: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> ContrastiveScore:
        """context and quantized [batch, positions, dim], both projected to one space.

        masked [batch, positions] bool: hidden steps, none of them padding. codes [batch, positions]
        or [batch, positions, codebooks]: what `quantized` was made of, to tell like ones; where
        left out the vectors are compared. distractors [batch, positions, n]: positions of the same
        row, looked at where masked; drawn from `generator`, else from torch's own, where left out.
        Raises EarShotError when nothing is masked, and for shapes that do not fit.
        """
        check_shape("context", context, ("batch", "positions", "dim"), mend="Stack the clips.")
        check_shape("quantized", quantized, tuple(context.shape), mend="Project both to one dim.")
        check_shape("masked", masked, tuple(context.shape[:2]), mend="Give every step a truth.")
        if not bool(masked.any()):
            raise EarShotError(
                got="a batch without a masked step",
                expected="hidden steps to tell",
                mend="Raise the start probability or the least number of spans of the mask.",
            )
        if distractors is None:
            distractors = draw_distractors(masked, self.n_distractors, generator=generator)
        ids = like_rows(quantized) if codes is None else codes
        ids = ids[..., None] if ids.dim() == 2 else ids  # [batch, positions, codebooks]
        with torch.autocast(context.device.type, enabled=False):
            unit = F.normalize(quantized.float(), dim=-1)
            cosines = F.normalize(context.float(), dim=-1) @ unit.transpose(1, 2)
        logits = cosines / self.temperature  # [batch, positions, positions]
        own = logits.diagonal(dim1=1, dim2=2)[masked]  # [steps]
        others = logits.gather(2, distractors)[masked]  # [steps, n]
        row = torch.arange(len(ids), device=ids.device)[:, None, None]
        like = (ids[row, distractors] == ids[:, :, None]).all(-1)[masked]  # [steps, n]
        others = others.masked_fill(like, -torch.inf)
        both = torch.cat([own[:, None], others], 1)
        loss = F.cross_entropy(both, torch.zeros_like(own, dtype=torch.int64))
        told = (own > others.amax(1)) & ~like.all(1)
        return ContrastiveScore(loss, told.float().mean())


def draw_distractors(masked: Tensor, n: int, *, generator: torch.Generator | None = None) -> Tensor:
    """For each masked step `n` other masked steps of its row: positions [batch, positions, n].

    Drawn evenly, with putting back. Rows of steps that are not masked hold nothing of meaning; the
    only masked step of a row gets itself.
    """
    device = generator.device if generator is not None else masked.device
    draw = torch.rand(*masked.shape, n, generator=generator, device=device).to(masked.device)
    n_masked = masked.sum(1)  # [batch]
    rank = masked.long().cumsum(1) - 1  # [batch, positions], of a masked step among those of a row
    other = (draw * (n_masked - 1).clamp(min=1)[:, None, None]).long()
    other = other + (other >= rank[..., None]).long()  # over the step itself
    other = other.clamp(max=(n_masked - 1).clamp(min=0)[:, None, None])
    places = (~masked).long().argsort(dim=1, stable=True)  # [batch, positions], masked ones first
    return places.gather(1, other.flatten(1)).view_as(other)


@torch.no_grad()
def like_rows(vectors: Tensor) -> Tensor:
    """A number for each vector, the same for equal ones: [batch, positions, dim] -> [.., ..]."""
    _, number = vectors.flatten(0, 1).unique(dim=0, return_inverse=True)
    return number.view(vectors.shape[:2])


def code_perplexity(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    """exp of the entropy of the mean distribution over codes: [codebooks], each 1 to n_codes.

    probabilities [..., codebooks, codes]; one-hot rows give the perplexity of hard choices. weights
    [...] say which count, such as real positions; all do where left out. `transformers` reports the
    sum over codebooks.
    """
    rows = probabilities.float().flatten(0, -3)  # [n, codebooks, codes]
    share = torch.ones(len(rows), device=rows.device) if weights is None else weights.flatten()
    share = share.to(rows) / share.sum().clamp(min=1)
    mean = (rows * share[:, None, None]).sum(0)  # [codebooks, codes]
    return torch.special.entr(mean).sum(-1).exp()


def diversity_loss(probabilities: Tensor, weights: Tensor | None = None) -> Tensor:
    """The share of codes that are not in use: 0 where all are used alike, near 1 after a collapse.

    (n - perplexity) / n over all codebooks; arguments as `code_perplexity` has them. It has the
    optimum of arXiv:2006.11477, Eq. 4, and is what the released code and `transformers` compute.
    """
    n_all = probabilities.shape[-1] * probabilities.shape[-2]
    return 1.0 - code_perplexity(probabilities, weights).sum() / n_all
