"""A model as concurrent requests use it: texts and windows of all of them share its passes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import EarShotError
from earshot.web.batching import Batcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from earshot.audio import Audio, Window
    from earshot.models.embedder import ClipEmbedding, Embedder

MAX_TEXT_BATCH, MAX_WINDOW_BATCH = 64, 16
MAX_LABEL_SETS = 32  # lists of labels whose vectors are kept


class SharedModel:
    """One embedder behind two batchers; all passes run in `worker`, all decoding in `decoders`."""

    def __init__(
        self,
        embedder: Embedder,
        worker: Executor,
        decoders: Executor,
        *,
        max_waiting: int,
        on_pass: Callable[[str, int], None],
    ) -> None:
        self.embedder, self._worker, self._decoders = embedder, worker, decoders
        self._labels: dict[tuple[str, ...], np.ndarray] = {}
        self.texts: Batcher[str] = Batcher(
            embedder.embed_texts,
            worker,
            max_batch=MAX_TEXT_BATCH,
            max_waiting=max_waiting,
            on_pass=lambda n: on_pass("text", n),
        )
        self.windows: Batcher[np.ndarray] = Batcher(
            embedder.embed_waveforms,
            worker,
            max_batch=MAX_WINDOW_BATCH,
            max_waiting=max_waiting,
            on_pass=lambda n: on_pass("audio", n),
        )

    async def embed_sound(self, source: Path | bytes | Audio, max_s: float) -> ClipEmbedding:
        """All windows of a sound of at most `max_s` seconds, by what decodes."""
        from earshot.models.embedder import ClipEmbedding

        loop = asyncio.get_running_loop()
        windows = await loop.run_in_executor(self._decoders, self._open, source, max_s)
        rows, starts, ends = [], [], []
        try:
            while group := await loop.run_in_executor(self._decoders, _some, windows):
                if group[-1].end_s > max_s:
                    raise _too_long(f"{group[-1].end_s:.0f} s or more", max_s)
                rows.append(await self.windows.rows([window.waveform for window in group]))
                starts += [window.start_s for window in group]
                ends += [window.end_s for window in group]
        finally:
            windows.close()
        return ClipEmbedding(np.concatenate(rows), np.array(starts), np.array(ends))

    async def label_vectors(self, labels: Sequence[str]) -> np.ndarray:
        """Unit rows [labels, dim], kept for the next request with the same labels."""
        from earshot.jobs.prompts import label_vectors

        key = tuple(labels)
        if key not in self._labels:
            loop = asyncio.get_running_loop()
            vectors = await loop.run_in_executor(self._worker, label_vectors, key, self.embedder)
            if len(self._labels) >= MAX_LABEL_SETS:
                self._labels.clear()
            self._labels[key] = vectors
        return self._labels[key]

    def _open(self, source: Path | bytes | Audio, max_s: float) -> Iterator[Window]:
        from earshot.audio import Audio, probe_audio, stream_windows

        if not isinstance(source, Audio):
            claimed_s = probe_audio(source).duration_s
            if claimed_s is not None and claimed_s > max_s:
                raise _too_long(f"{claimed_s:.0f} s", max_s)
        embedder = self.embedder
        return stream_windows(
            source,
            sample_rate=embedder.sample_rate,
            window_s=embedder.window_s,
            hop_s=embedder.hop_s,
        )


def _some(windows: Iterator[Window]) -> list[Window]:
    return list(islice(windows, MAX_WINDOW_BATCH))


def _too_long(length: str, max_s: float) -> EarShotError:
    return EarShotError(
        got=f"a sound of {length}",
        expected=f"at most {max_s:g} s",
        mend="Send the part that matters.",
    )
