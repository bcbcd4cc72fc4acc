"""Rows of every process side by side, with gradients flowing back to where they came from."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def n_processes() -> int:
    """How many processes train together; 1 where none was set up."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def first_row(n_rows: int) -> int:
    """Where this process's rows begin among the gathered ones."""
    return dist.get_rank() * n_rows if n_processes() > 1 else 0


def gather_rows(rows: Tensor) -> Tensor:
    """All processes' rows [n_processes * batch, ...] in order of rank; batches must be equal.

    The backward pass adds up what every process asks of a row. With gradients then averaged over
    processes, as data-parallel training does, a loss over all rows gives what one process would.
    """
    if n_processes() == 1:
        return rows
    if not rows.requires_grad:
        parts = [torch.empty_like(rows) for _ in range(n_processes())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)
    from torch.distributed.nn.functional import all_gather

    return torch.cat(all_gather(rows.contiguous()))
