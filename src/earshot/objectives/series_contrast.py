"""Contrasts of series with their views: whole series, and windows of one series."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.objectives.gather import gather_rows
from earshot.objectives.infonce import check_finite, cross_entropy


def global_contrast(vectors: Tensor, views: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Mean nats it takes to tell each series' own view among all views, over all processes.

    vectors, views [batch, dim], paired by row, of any length: they are normalised here.
    Source: arXiv:2402.10434, Eq. 12; one direction, temperature 1.
    """
    check_shape("views", views, tuple(vectors.shape), mend="Give one view of every series.")
    _check_temperature(temperature)
    with torch.autocast(vectors.device.type, enabled=False):
        vectors = F.normalize(gather_rows(vectors).float())
        views = F.normalize(gather_rows(views).float())
        own = torch.eye(len(vectors), device=vectors.device)
        return check_finite(cross_entropy(vectors @ views.T / temperature, own))


def local_contrast(
    hidden: Tensor, n_steps: Tensor, *, n_windows: int = 16, temperature: float = 1.0
) -> Tensor:
    """Mean nats it takes to tell the window after each window among all but its neighbours.

    hidden [batch, steps, dim], n_steps [batch] real ones. A series is cut into `n_windows` in a
    row, fewer where it has fewer steps; a window is the maximum over its steps, normalised. Every
    series counts; one of fewer than four windows has nothing to tell apart and counts for nothing.
    Source: InfoTS, arXiv:2303.11911, 3.3. Differs: the released AutoTCL looks at the batch's first
    series alone.
    """
    check_shape("hidden", hidden, ("batch", "steps", "dim"), mend="Give the steps, not a vector.")
    _check_temperature(temperature)
    if n_windows < 4:
        raise EarShotError(
            got=f"n_windows={n_windows}", expected="at least 4", mend="The paper has 16."
        )
    with torch.autocast(hidden.device.type, enabled=False):
        windows, there = series_windows(hidden.float(), n_steps, n_windows)
        windows = F.normalize(windows, dim=-1)
        logits = windows @ windows.transpose(1, 2) / temperature  # [batch, windows, windows]
        place = torch.arange(n_windows, device=hidden.device)
        apart = place[None] - place[:, None]
        target = apart == 1
        shown = (target | (apart.abs() > 1)) & there[:, None]  # [batch, anchor, other]
        counts = (target & shown).any(-1) & (shown.sum(-1) > 1)  # [batch, anchor]
        counts = counts & there
        # a place without any choice keeps its logits: its loss is left out, not NaN
        shown = shown | ~counts[..., None]
        log_share = logits.masked_fill(~shown, -torch.inf).log_softmax(-1)
        own = log_share[:, :-1].diagonal(offset=1, dim1=1, dim2=2)  # [batch, windows - 1]
        losses = torch.where(counts[:, :-1], -own, 0.0)
        return check_finite(losses.sum() / counts.sum().clamp(min=1))


def series_windows(hidden: Tensor, n_steps: Tensor, n_windows: int) -> tuple[Tensor, Tensor]:
    """The maximum of each window [batch, n_windows, dim], and whether it has a step.

    Step t of n lies in window t * k // n, k being n_windows, or n for series of fewer steps.
    """
    steps, dim = hidden.shape[1:]
    place = torch.arange(steps, device=hidden.device)[None]
    n_own = n_steps.clamp(max=n_windows)[:, None]
    of_step = (place * n_own // n_steps[:, None]).clamp(max=n_windows)  # [batch, steps]
    of_step = of_step.masked_fill(place >= n_steps[:, None], n_windows)  # one more for padding
    index = of_step[..., None].expand(-1, -1, dim)
    empty = hidden.new_zeros(len(hidden), n_windows + 1, dim)
    most = empty.scatter_reduce(1, index, hidden, "amax", include_self=False)
    there = torch.arange(n_windows, device=hidden.device)[None] < n_own
    return most[:, :n_windows], there


def _check_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise EarShotError(
            got=f"temperature={temperature:g}", expected="above 0", mend="The paper has 1."
        )
