"""Several losses on one anchor: their gradients compared, realigned, and filtered by conflict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.objectives.gather import n_processes
from earshot.objectives.harmony import conflict, gram_of_rows, realign
from earshot.training.harmony_log import HarmonyLog, Told, histogram
from earshot.training.processes import this_process

Mode = Literal["sum", "gr", "gc", "gr+gc"]
Unit = Literal["sample", "micro_batch"]
Batches = Callable[[int], Iterator[Any]]
PairLoss = Callable[[Tensor, Tensor], Tensor]  # anchor rows, the other side's rows -> mean loss
EVERYTHING = -1.0  # the gamma that drops nothing


@dataclass(frozen=True)
class HarmonyConfig:
    """What is done about losses that pull apart."""

    mode: Mode = "gr+gc"  # realign (GR), drop by a curriculum (GC), both, or plain sum
    unit: Unit = "sample"  # whose gradients are compared
    micro_batch: int = 16  # samples in a unit of that kind
    gamma_start: float = -0.3  # units whose cosine is at most gamma are dropped; it rises in a line
    gamma_end: float = 0.0
    warmup: float = 0.05  # share of the run in which nothing is dropped: conflict is noise there

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (self.micro_batch < 1, f"micro_batch={self.micro_batch}", "at least 1"),
            (not -1 <= self.gamma_start <= self.gamma_end < 1,
             f"gamma from {self.gamma_start:g} to {self.gamma_end:g}",
             "a rise within -1 and 1"),
            (not 0 <= self.warmup <= 1, f"warmup={self.warmup:g}", "a share from 0 to 1"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that harmony field.")

    def gamma(self, batch: int, n_batches: int) -> float:
        """The threshold at batch number `batch` of a run of `n_batches`; -1 drops nothing."""
        first = round(self.warmup * n_batches)
        if "gc" not in self.mode or batch < first:
            return EVERYTHING
        risen = (batch - first) / max(1, n_batches - 1 - first)
        return self.gamma_start + (self.gamma_end - self.gamma_start) * min(risen, 1.0)


@dataclass(frozen=True)
class Sides:
    """Embeddings of some samples: the anchor's rows, and for each loss those of its other side."""

    anchor: Tensor  # [samples, dim]
    others: tuple[Tensor, ...]  # each [samples, ...]


class GradHarmonizer:
    """The loss of a batch whose gradient is that of several losses, harmonised. A trainer plug-in.

    Every loss compares the anchor's embedding with another side's; any sum of such losses on any
    model can be harmonised. A unit is a sample, whose gradients are those at its anchor's
    embedding, or a micro-batch, whose gradients are those of the model's parameters that two losses
    or more reach (or of `shared`); other parameters get the plain sum. What a loss holds itself, a
    scale or a head, always gets the plain gradient. Negatives come from the whole batch.

    "gr" puts gradients that point against each other onto each other's normal plane; "gc" drops
    units of strong conflict, and divides by those that are kept. With several processes losses that
    gather their rows are compared over all of them, and the kept ones are counted over all.
    Where everything is dropped the loss is None, and `fit` leaves that update out.
    Source: arXiv:2211.02077.
    """

    def __init__(
        self,
        config: HarmonyConfig,
        *,
        n_batches: int,  # of the whole run: gamma rises over them
        model: nn.Module | None = None,  # whose parameters micro-batches are compared by
        shared: Sequence[nn.Parameter] | None = None,  # of them; found out when left out
        out: Path | None = None,  # the run's folder, for harmony.jsonl
    ) -> None:
        if config.unit == "micro_batch" and model is None:
            raise EarShotError(
                got="micro-batches without a model",
                expected="the model whose parameters are compared",
                mend="Pass model=, or compare samples: unit='sample'.",
            )
        self.config, self.n_batches = config, n_batches
        self.weights = [] if model is None else [p for p in model.parameters() if p.requires_grad]
        self.shared = None if shared is None else {id(parameter) for parameter in shared}
        self.log = None if out is None or not this_process().is_main else HarmonyLog(out)
        self.batch = 0

    def follow(self, batches: Batches) -> Batches:
        """`batches` for `fit`, counted on the way: gamma and log go by the number of a batch."""

        def counted(first: int) -> Iterator[Any]:
            source = batches(first)
            try:
                for number, batch in enumerate(source, first):
                    if number == first and self.log is not None:
                        self.log.begin(first)
                    self.batch = number
                    yield batch
            finally:
                if hasattr(source, "close"):
                    source.close()

        return counted

    def parts(self, batch: Any) -> list[Any]:
        """The batch as it should be embedded: whole, or by micro-batches through `batch.rows`."""
        if self.config.unit == "sample":
            return [batch]
        size = self.config.micro_batch
        return [batch.rows(slice(i, i + size)) for i in range(0, len(batch), size)]

    def __call__(
        self,
        losses: Sequence[PairLoss],
        parts: Sequence[Sides],
        *,
        keep: Tensor | None = None,
        flagged: Tensor | None = None,
    ) -> Tensor | None:
        """The mean of the summed losses, with the harmonised gradient; None if nothing is kept.

        losses: one for each of the others' sides. parts: the embedded `parts` of a batch.
        keep [batch] bool: samples that may be kept at all; a micro-batch, if that is most of its
        samples. flagged [batch] bool: samples that the log tells apart, such as those known to be
        wrong; a micro-batch, if that is most of its samples.
        """
        n_sides = len(parts[0].others)
        if len(losses) < 2 or len(losses) != n_sides:
            raise EarShotError(
                got=f"{len(losses)} losses for {n_sides} sides beside the anchor",
                expected="two losses or more, and as many sides",
                mend="Train a single loss without a harmoniser.",
            )
        rows = [_detached([part.anchor for part in parts])]
        rows += [_detached([part.others[side] for part in parts]) for side in range(n_sides)]
        values = [loss(rows[0], other) for loss, other in zip(losses, rows[1:], strict=True)]
        wanted = [_at_rows(v, rows[0], other) for v, other in zip(values, rows[1:], strict=True)]
        total = torch.stack(values).sum()
        whole = self.config.unit == "sample"
        compare = self._samples if whole else self._micro_batches
        sizes = [1] * len(rows[0]) if whole else [len(part.anchor) for part in parts]
        may_keep = _by_unit(keep, sizes, rows[0].device, missing=True)
        marked = _by_unit(flagged, sizes, rows[0].device, missing=False)
        surrogate = compare(parts, wanted, may_keep, marked)
        if surrogate is None:
            return None
        return total + surrogate - surrogate.detach()

    def _samples(
        self,
        parts: Sequence[Sides],
        wanted: Sequence[tuple[Tensor, Tensor]],
        may_keep: Tensor,
        marked: Tensor,
    ) -> Tensor | None:
        """Harmonised gradients of embeddings, pulled through the model by one backward pass."""
        gradients = torch.stack([at_anchor for at_anchor, _ in wanted])  # [losses, batch, dim]
        gram = gram_of_rows(gradients)
        cosine = conflict(gram)  # [batch]
        kept = self._is_kept(cosine, may_keep)
        factor = self._count(cosine, kept, marked)
        if factor is None:
            return None
        weight = kept * factor  # [batch]
        share = self._shares(gram).to(gradients)  # [batch, losses]
        anchor = torch.einsum("kbd,bk,b->bd", gradients, share, weight)
        surrogate = (_together([part.anchor for part in parts]) * anchor).sum()
        for side, (_, at_other) in enumerate(wanted):
            other = _together([part.others[side] for part in parts])
            each = weight.view(-1, *[1] * (other.ndim - 1))
            surrogate = surrogate + (other * at_other * each).sum()
        return surrogate

    def _micro_batches(
        self,
        parts: Sequence[Sides],
        wanted: Sequence[tuple[Tensor, Tensor]],
        may_keep: Tensor,
        marked: Tensor,
    ) -> Tensor | None:
        """Harmonised gradients of parameters, each unit's by one backward pass a loss."""
        sums: list[Tensor | None] = [None] * len(self.weights)
        first, cosines, kept = 0, [], []
        for unit, part in enumerate(parts):
            here = slice(first, first + len(part.anchor))
            first = here.stop
            vectors = self._pull(part, [(a[here], o[here]) for a, o in wanted])
            shared = self._is_shared(vectors)
            gram = _gram(vectors, shared)
            cosines.append(conflict(gram))
            kept.append(self._is_kept(cosines[-1], may_keep[unit]))
            factor = float(kept[-1])
            shares = [factor * share for share in self._shares(gram).tolist()]
            for number, of_losses in enumerate(zip(*vectors, strict=True)):
                for share, one in zip(shares, of_losses, strict=True):
                    if one is not None:
                        added = one * (share if shared[number] else factor)
                        before = sums[number]
                        sums[number] = added if before is None else before + added
        factor = self._count(torch.stack(cosines), torch.stack(kept), marked)
        if factor is None:
            return None
        pairs = zip(self.weights, sums, strict=True)
        return factor * torch.stack([(p * s).sum() for p, s in pairs if s is not None]).sum()

    def _pull(
        self, part: Sides, wanted: Sequence[tuple[Tensor, Tensor]]
    ) -> list[tuple[Tensor | None, ...]]:
        """For each loss the gradients of all parameters that one part's rows lead to."""
        vectors = []
        for loss, (at_anchor, at_other) in enumerate(wanted):
            pairs = [(part.anchor, at_anchor), (part.others[loss], at_other)]
            ends = [(end, given) for end, given in pairs if end.requires_grad]
            if not ends:  # both towers are frozen
                vectors.append((None,) * len(self.weights))
                continue
            vectors.append(
                torch.autograd.grad(
                    [end for end, _ in ends],
                    self.weights,
                    [given.to(end.dtype) for end, given in ends],
                    retain_graph=loss + 1 < len(wanted),
                    allow_unused=True,
                )
            )
        return vectors

    def _is_shared(self, vectors: Sequence[Sequence[Tensor | None]]) -> list[bool]:
        """Which parameters take part in the comparison."""
        if self.shared is not None:
            return [id(parameter) in self.shared for parameter in self.weights]
        return [sum(one is not None for one in each) > 1 for each in zip(*vectors, strict=True)]

    def _shares(self, gram: Tensor) -> Tensor:
        """How much of each loss's own gradient [..., losses] the harmonised sum holds."""
        if "gr" in self.config.mode:
            return realign(gram).sum(-2)
        return gram.new_ones(gram.shape[:-1])

    def _is_kept(self, cosine: Tensor, may_keep: Tensor) -> Tensor:
        gamma = self.config.gamma(self.batch, self.n_batches)
        return may_keep & ((cosine > gamma) | (gamma <= EVERYTHING))

    def _count(self, cosine: Tensor, kept: Tensor, marked: Tensor) -> float | None:
        """Log the units of all processes; what the kept ones weigh, or None without any."""
        counts = torch.stack([torch.ones_like(kept), kept, marked, kept & marked]).sum(1)
        told = torch.cat([counts, histogram(cosine[~marked]), histogram(cosine[marked])])
        if n_processes() > 1:
            dist.all_reduce(told)
        n, n_kept, n_marked, n_marked_kept, *bins = told.tolist()
        if self.log is not None:
            half = len(bins) // 2
            gamma = self.config.gamma(self.batch, self.n_batches)
            facts = (n, n_kept, n_marked, n_marked_kept, bins[:half], bins[half:])
            self.log.note(Told(self.batch, gamma, *facts))
        return n / n_kept if n_kept else None


def _detached(rows: Sequence[Tensor]) -> Tensor:
    """The rows of all parts as a leaf, so that a loss can be asked what it wants of them."""
    return _together([each.detach() for each in rows]).float().requires_grad_()


def _at_rows(value: Tensor, anchor: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of a loss at its anchor's rows and at the other side's."""
    at_anchor, at_other = torch.autograd.grad(
        value, (anchor, other), retain_graph=True, allow_unused=True
    )
    none = [rows for rows, got in ((anchor, at_anchor), (other, at_other)) if got is None]
    if none:
        raise EarShotError(
            got="a loss that does not depend on both of its sides",
            expected="losses of the anchor's rows and another side's",
            mend="Harmonise losses of pairs; add others to what the harmoniser gives.",
        )
    return at_anchor, at_other


def _together(rows: Sequence[Tensor]) -> Tensor:
    return rows[0] if len(rows) == 1 else torch.cat(list(rows))


def _gram(vectors: Sequence[Sequence[Tensor | None]], shared: Sequence[bool]) -> Tensor:
    """Inner products [losses, losses] over the shared parameters, in float64."""
    used = [n for n, is_shared in enumerate(shared) if is_shared]
    if not any(all(each[n] is not None for each in vectors) for n in used):
        raise EarShotError(
            got="losses without a trainable parameter in common",
            expected="losses that all reach some part of the model, such as the anchor's tower",
            mend="Unfreeze it, or compare samples: unit='sample'.",
        )
    rows = []
    for mine in vectors:
        row = []
        for other in vectors:
            pairs = [(mine[n], other[n]) for n in used]
            inner = [torch.dot(a.flatten().double(), b.flatten().double())
                     for a, b in pairs if a is not None and b is not None]  # fmt: skip
            row.append(sum(inner, start=torch.zeros((), dtype=torch.double)))
        rows.append(torch.stack(row))
    return torch.stack(rows)


def _by_unit(
    samples: Tensor | None, sizes: Sequence[int], device: torch.device, *, missing: bool
) -> Tensor:
    """A flag of each unit from those of its samples: that of the greater part."""
    if samples is None:
        return torch.full((len(sizes),), missing, device=device)
    if len(samples) == len(sizes):
        return samples.to(device).bool()
    parts = samples.to(device).float().split(list(sizes))
    return torch.stack([part.mean() > 0.5 for part in parts])
