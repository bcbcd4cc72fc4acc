"""One thread for each trial, so that figures of cost compare and cores are not fought over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def one_thread() -> Iterator[None]:
    """This process, and those it starts within the block, compute in one thread each."""
    import torch

    before, n_threads = {name: os.environ.get(name) for name in VARIABLES}, torch.get_num_threads()
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
