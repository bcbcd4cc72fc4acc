from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.web.batching import Batcher
from earshot.web.faults import Busy
from toy_embedder import ToyEmbedder


class Gated:
    """A model whose first pass waits until it is let go; counts its passes."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.passes: list[list[str]] = []

    def __call__(self, texts) -> np.ndarray:
        self.passes.append(list(texts))
        self.begun.set()
        assert self.go.wait(60)
        return ToyEmbedder().embed_texts(texts)


def run(scenario) -> None:
    async def within() -> None:
        with ThreadPoolExecutor(1) as worker:
            await asyncio.wait_for(scenario(worker), 60)

    asyncio.run(within())


async def begun(model: Gated) -> None:
    """Wait until the first pass is under way."""
    await asyncio.to_thread(model.begun.wait, 60)


def test_what_arrives_while_the_model_is_busy_goes_into_one_pass() -> None:
    texts = [f"{word} {i}" for i in range(8) for word in ("dog", "cat", "rain", "bell")]

    async def scenario(worker) -> None:
        model = Gated()
        batcher = Batcher(model, worker, max_batch=64)
        first = asyncio.create_task(batcher.rows(["car"]))
        await begun(model)
        others = [asyncio.create_task(batcher.rows([text])) for text in texts]
        await asyncio.sleep(0)
        model.go.set()
        await first
        rows = np.concatenate(await asyncio.gather(*others))
        assert rows == pytest.approx(ToyEmbedder().embed_texts(texts), abs=1e-6)
        assert [len(each) for each in model.passes] == [1, 32]

    run(scenario)


def test_passes_hold_at_most_max_batch_and_keep_the_order() -> None:
    async def scenario(worker) -> None:
        sizes: list[int] = []
        batcher = Batcher(
            lambda items: np.array([[float(item)] for item in items]),
            worker,
            max_batch=4,
            on_pass=sizes.append,
        )
        rows = await batcher.rows(list(range(10)))
        assert rows[:, 0].tolist() == list(range(10))
        assert sizes == [4, 4, 2]

    run(scenario)


def test_an_item_that_fails_fails_alone() -> None:
    def embed(texts) -> np.ndarray:
        if "bad" in texts:
            raise EarShotError(got="bad", expected="good", mend="Mend it.")
        return ToyEmbedder().embed_texts(texts)

    async def scenario(worker) -> None:
        batcher = Batcher(embed, worker)
        texts = ["dog", "bad", "cat"]
        answers = await asyncio.gather(
            *(batcher.rows([text]) for text in texts), return_exceptions=True
        )
        assert isinstance(answers[1], EarShotError)
        assert answers[0] == pytest.approx(ToyEmbedder().embed_texts(["dog"]))
        assert answers[2] == pytest.approx(ToyEmbedder().embed_texts(["cat"]))

    run(scenario)


def test_who_went_away_costs_nothing_and_too_many_are_sent_away() -> None:
    async def scenario(worker) -> None:
        model = Gated()
        batcher = Batcher(model, worker, max_waiting=2)
        first = asyncio.create_task(batcher.rows(["dog"]))
        await begun(model)
        gone = asyncio.create_task(batcher.rows(["cat"]))
        stays = asyncio.create_task(batcher.rows(["rain"]))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await batcher.rows(["bell"])
        gone.cancel()
        model.go.set()
        await asyncio.gather(first, stays)
        assert model.passes == [["dog"], ["rain"]]

    run(scenario)
