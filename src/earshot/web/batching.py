"""Model calls of many requests in few passes: what arrives while the model is busy goes next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from earshot.web.faults import Busy

T = TypeVar("T")


@dataclass
class _Ticket(Generic[T]):
    """One item that waits for its row."""

    item: T
    row: asyncio.Future[np.ndarray]


class Batcher(Generic[T]):
    """Turns items of many concurrent callers into rows, `max_batch` at most in one pass.

    `run` maps items to rows and is called in `worker`, one pass at a time; the first caller never
    waits for others to come. An item that makes a pass fail fails alone: the others run again
    without it. Items whose caller has gone away are not run.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], np.ndarray],
        worker: Executor,
        *,
        max_batch: int = 64,
        max_waiting: int = 4_096,
        on_pass: Callable[[int], None] | None = None,
    ) -> None:
        self._run, self._worker = run, worker
        self.max_batch, self.max_waiting, self._on_pass = max_batch, max_waiting, on_pass
        self._waiting: deque[_Ticket[T]] = deque()
        self._pump: asyncio.Task[None] | None = None

    async def rows(self, items: Sequence[T]) -> np.ndarray:
        """One row an item, in order. Raises Busy when too many wait already."""
        if len(self._waiting) + len(items) > self.max_waiting:
            raise Busy("the model has more to do than it can hold")
        loop = asyncio.get_running_loop()
        tickets = [_Ticket(item, loop.create_future()) for item in items]
        self._waiting.extend(tickets)
        if self._pump is None or self._pump.done():
            self._pump = loop.create_task(self._drain())
        return np.stack(await asyncio.gather(*(ticket.row for ticket in tickets)))

    async def _drain(self) -> None:
        """Run passes until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch: list[_Ticket[T]] = []
            while self._waiting and len(batch) < self.max_batch:
                ticket = self._waiting.popleft()
                if not ticket.row.done():  # done already: its caller was cancelled
                    batch.append(ticket)
            if not batch:
                continue
            if self._on_pass is not None:
                self._on_pass(len(batch))
            items = [ticket.item for ticket in batch]
            try:
                results = await loop.run_in_executor(self._worker, self._pass, items)
            except RuntimeError as fault:  # the worker was shut down: the server is going away
                results = [fault] * len(batch)
            for ticket, result in zip(batch, results, strict=True):
                if ticket.row.done():
                    continue
                if isinstance(result, Exception):
                    ticket.row.set_exception(result)
                else:
                    ticket.row.set_result(result)

    def _pass(self, items: Sequence[T]) -> Sequence[Any]:
        """A row or an exception for every item."""
        try:
            return list(self._run(items))
        except Exception as fault:  # noqa: BLE001 - handed to the one caller whose item it was
            if len(items) == 1:
                return [fault]
            return [result for item in items for result in self._pass([item])]
