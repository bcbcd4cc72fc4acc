"""Which process of a data-parallel run this is."""

from __future__ import annotations

from typing import NamedTuple

import torch
from accelerate import PartialState


class Process(NamedTuple):
    """This process's place: hand both to a BatchLoader and it decodes this process's rows only."""

    rank: int
    world: int

    @property
    def is_main(self) -> bool:
        """True in the one that writes files and reports."""
        return self.rank == 0


def this_process() -> Process:
    """Rank and number of the processes that `torchrun` started; (0, 1) without it."""
    state = PartialState(cpu=on_cpu())
    return Process(state.process_index, state.num_processes)


def wait_for_all() -> None:
    """Return once every process has come here."""
    PartialState(cpu=on_cpu()).wait_for_everyone()


def on_cpu() -> bool:
    """True without an accelerator: accelerate must be told, else processes stay unconnected."""
    return not torch.accelerator.is_available()
