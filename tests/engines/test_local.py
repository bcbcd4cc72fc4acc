from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Window
from earshot.core.errors import EarShotError
from earshot.engines import Task, embed_each, file_task, local
from earshot.engines.local import AHEAD
from toy_embedder import RATE, ToyEmbedder, tone, write_tones


def windows(n: int, samples: int = RATE) -> Iterator[Window]:
    for i in range(n):
        yield Window(tone("dog")[:samples], float(i), i + samples / RATE)


def test_order_and_rows_are_those_of_one_at_a_time(tmp_path: Path) -> None:
    names = {f"{i:02d}.wav": ("dog", "rain", "bell")[: 1 + i % 3] for i in range(30)}
    write_tones(tmp_path, names)
    embedder = ToyEmbedder()
    paths = sorted(tmp_path.glob("*.wav"))
    done = list(embed_each([file_task(path, embedder) for path in paths], embedder))
    assert [each.key for each in done] == paths
    for path, each in zip(paths, done, strict=True):
        alone = embedder.embed_audio(path)
        assert each.embedding is not None
        assert each.embedding.windows == pytest.approx(alone.windows, abs=1e-6)
        assert (each.embedding.start_s == alone.start_s).all()
        assert (each.embedding.end_s == alone.end_s).all()


def test_failures_keep_their_place_and_end_nothing() -> None:
    def missing() -> Iterator[Window]:
        raise FileNotFoundError(2, "No such file or directory")
        yield

    def late() -> Iterator[Window]:
        yield from windows(1)
        raise EarShotError(got="a cut file", expected="a whole one", mend="Copy it again.")

    def bug() -> Iterator[Window]:
        yield from windows(1)
        raise ZeroDivisionError("in a decoder")

    tasks = [
        Task(0, lambda: windows(2)),
        Task(1, missing),
        Task(2, late),
        Task(3, bug),
        Task(4, lambda: windows(0)),
        Task(5, lambda: windows(1)),
    ]
    done = list(embed_each(tasks, ToyEmbedder()))
    assert [each.key for each in done] == [0, 1, 2, 3, 4, 5]
    assert [each.embedding is not None for each in done] == [True, False, False, False, False, True]
    errors = [each.error for each in done]
    assert "No such file" in errors[1]
    assert "a cut file" in errors[2]
    assert "ZeroDivisionError: in a decoder" in errors[3]
    assert "without a single window" in errors[4]


def test_a_window_that_the_model_refuses_fails_its_own_sound_alone() -> None:
    class Picky(ToyEmbedder):
        def embed_waveforms(self, waveforms):
            if any(len(each) < 100 for each in waveforms):
                raise EarShotError(got="a short one", expected="more", mend="Longer.")
            return super().embed_waveforms(waveforms)

    tasks = [Task(n, lambda n=n: windows(2, samples=n)) for n in (RATE, 50, 4_000)]
    done = list(embed_each(tasks, Picky()))
    assert [bool(each.error) for each in done] == [False, True, False]
    assert "a short one" in done[1].error


def test_memory_is_bounded_for_long_and_for_many_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "POOL_BYTES", 4 * RATE * 10)
    monkeypatch.setattr(local, "QUEUE_BYTES", 4 * RATE * 5)
    lock, alive, most = threading.Lock(), 0, 0

    class Counted(np.ndarray):
        pass

    def counted(n: int) -> Iterator[Window]:
        nonlocal alive, most
        for i in range(n):
            with lock:
                alive += 1
                most = max(most, alive)
            yield Window(tone("dog"), float(i), i + 1.0)

    class Counting(ToyEmbedder):
        def embed_waveforms(self, waveforms):
            nonlocal alive
            with lock:
                alive -= len(waveforms)
            return super().embed_waveforms(waveforms)

    tasks = [Task(n, lambda n=n: counted(n)) for n in [500, *[1] * 300]]
    done = list(embed_each(tasks, Counting()))
    assert [len(each.embedding.windows) for each in done] == [500, *[1] * 300]
    # the pool, the queues of the sounds opened ahead, and one window in each thread's hands
    assert most <= 10 + 5 * (AHEAD + 1) + local.N_WORKERS + 1


def test_endless_tasks_can_be_given_up() -> None:
    def endless() -> Iterator[Task[int]]:
        n = 0
        while True:
            yield Task(n, lambda: windows(3))
            n += 1

    before = threading.active_count()
    running = embed_each(endless(), ToyEmbedder())
    first = [next(running).key for _ in range(3)]
    running.close()
    assert first == [0, 1, 2]
    assert threading.active_count() == before


def test_no_tasks() -> None:
    assert list(embed_each([], ToyEmbedder())) == []
