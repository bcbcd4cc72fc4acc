"""Batches of clips: decoded in the background, the same for any number of workers."""

from __future__ import annotations

import itertools
import logging
import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.balanced import BalancedOrder
from earshot.data.batch import Batch, collate
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.data.decoding import ClipDecoder, Crop, clips_to_keep
from earshot.data.faults import LoadFault
from earshot.data.order import BatchOrder

log = logging.getLogger("earshot.data")
AHEAD = 2  # batches decoded ahead of the one in use


@dataclass(frozen=True)
class _Item:
    """A clip as it stands in a batch."""

    clip: Clip
    waveform: np.ndarray  # [samples]
    caption: str


class BatchLoader:
    """Endless batches over epochs, a function of clips, seed and step alone.

    Starting at step k gives what an uninterrupted run would give from step k on, and decodes
    nothing of what comes before. The number of workers changes nothing but speed. `batch_size`
    counts the whole batch: with `world` processes each takes its slice of the same batch.

    A clip whose sound cannot be used is reported once, stands in `failures`, and in each batch the
    next clip of the set takes its place (`n_replaced`).

    With `balanced` every label comes as often as any other: an epoch has as many draws as there are
    clips, in which a rare clip may occur many times and a common one not at all.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        batch_size: int,
        sample_rate: int,  # Hz
        max_s: float | None = None,  # longer clips are cropped; None: never
        seed: int = 0,
        crop: Crop = "random",
        bucket: bool = True,
        balanced: bool = False,
        workers: int = 1,  # decoding threads; 0 decodes in the caller's
        cache_mb: float = 512.0,  # of decoded sound kept in memory
        rank: int = 0,
        world: int = 1,
    ) -> None:
        _check(len(clips), batch_size, max_s, crop, rank, world)
        self.clips, self.batch_size, self.sample_rate = clips, batch_size, sample_rate
        self.max_s, self.seed, self.crop, self.bucket = max_s, seed, crop, bucket
        self.balanced = balanced
        self.workers, self.rank, self.world = workers, rank, world
        self.failures: list[LoadFault] = []
        self.n_replaced = 0
        self._bad: set[int] = set()
        self.cache_mb = cache_mb
        names = clips.labels if isinstance(clips, ClipSet) else _labels(clips)
        self._index_of = {label: index for index, label in enumerate(names)}
        self._prepared: tuple[BatchOrder | BalancedOrder, ClipDecoder] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return max(1, len(self.clips) // self.batch_size)

    def batches(self, start_step: int = 0) -> Iterator[Batch]:
        """Batches from `start_step` on, without end; an epoch's incomplete last one is left out."""
        return self._stream(self._steps(start_step))

    def epoch(self, epoch: int = 0) -> Iterator[Batch]:
        """One pass that visits every clip once unless balanced; the last batch may be smaller."""
        whole, rest = self._batch_order().epoch(epoch)
        plan = [*whole, rest] if len(rest) else whole
        return self._stream((epoch, indices) for indices in plan)

    def _steps(self, start_step: int) -> Iterator[tuple[int, np.ndarray]]:
        order = self._batch_order()
        first, skip = divmod(start_step, order.n_steps)
        for epoch in itertools.count(first):
            whole, _ = order.epoch(epoch)
            for indices in whole[skip:]:
                yield epoch, indices
            skip = 0

    def _batch_order(self) -> BatchOrder | BalancedOrder:
        return self._prepare()[0]

    def _prepare(self) -> tuple[BatchOrder | BalancedOrder, ClipDecoder]:
        """Order and decoder, made on first use: both may need the length of every clip."""
        if self._prepared is None:
            max_s = None if self.crop == "none" else self.max_s
            lengths = self._lengths() if self.bucket or self.cache_mb > 0 else []
            kept = clips_to_keep(
                lengths, sample_rate=self.sample_rate, max_s=max_s, cache_mb=self.cache_mb
            )
            decoder = ClipDecoder(
                self.clips,
                sample_rate=self.sample_rate,
                max_s=max_s,
                crop=self.crop,
                kept=kept,
                cache_mb=self.cache_mb,
            )
            self._prepared = self._draw_order(lengths, max_s), decoder
        return self._prepared

    def _draw_order(
        self, lengths: Sequence[float], max_s: float | None
    ) -> BatchOrder | BalancedOrder:
        if self.balanced:
            return BalancedOrder.of_clips(self.clips, self.batch_size, self.seed)
        filled = [min(length, max_s or math.inf) for length in lengths]
        return BatchOrder(
            len(self.clips), self.batch_size, self.seed, filled if self.bucket else None
        )

    def _lengths(self) -> list[float]:
        """Seconds of every clip: the manifest's word, else the file's header, 0 if unknown."""
        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            return list(pool.map(_length_s, self.clips))

    def _stream(self, plan: Iterator[tuple[int, np.ndarray]]) -> Iterator[Batch]:
        """Batches of a plan, some of them decoded ahead."""
        if self.workers == 0:
            for epoch, indices in plan:
                mine = self._mine(indices)
                yield self._batch(epoch, indices, [self._try(int(i), epoch) for i in mine])
            return
        ahead: deque[tuple[int, np.ndarray, list[Future[_Item | Exception]]]] = deque()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="decode") as pool:
            try:
                for epoch, indices in plan:
                    mine = self._mine(indices)
                    jobs = [pool.submit(self._try, int(index), epoch) for index in mine]
                    ahead.append((epoch, indices, jobs))
                    if len(ahead) > AHEAD:
                        yield self._wait(*ahead.popleft())
                while ahead:
                    yield self._wait(*ahead.popleft())
            finally:  # the caller stopped early
                for job in itertools.chain.from_iterable(jobs for _, _, jobs in ahead):
                    job.cancel()

    def _wait(
        self, epoch: int, indices: np.ndarray, jobs: list[Future[_Item | Exception]]
    ) -> Batch:
        return self._batch(epoch, indices, [job.result() for job in jobs])

    def _mine(self, indices: np.ndarray) -> np.ndarray:
        """This process's slice of a batch."""
        return np.array_split(indices, self.world)[self.rank]

    def _try(self, index: int, epoch: int) -> _Item | Exception:
        """The clip, cropped and with a caption by (seed, epoch, clip); or why not."""
        if index in self._bad:
            return _known_bad
        clip = self.clips[index]
        crop_at, caption_at = generator(self.seed, "item", epoch, index).random(2)
        try:
            waveform = self._prepare()[1].decode(index, float(crop_at))
        except (EarShotError, OSError) as fault:
            return fault
        captions = clip.captions or (", ".join(clip.labels),)
        return _Item(clip, waveform, captions[int(caption_at * len(captions))])

    def _batch(self, epoch: int, indices: np.ndarray, found: list[_Item | Exception]) -> Batch:
        items = []
        for index, item in zip(self._mine(indices), found, strict=True):
            if isinstance(item, Exception):
                self._report(int(index), item)
                self.n_replaced += 1
                item = self._next_readable(int(index), epoch, set(map(int, indices)))
            items.append(item)
        return collate(
            [item.waveform for item in items],
            [item.caption for item in items],
            [item.clip for item in items],
            self._index_of,
        )

    def _report(self, index: int, fault: Exception) -> None:
        if index in self._bad:
            return
        self._bad.add(index)
        clip = self.clips[index]
        file = str(clip.audio) if isinstance(clip.audio, Path) else clip.id
        got, expected, mend = str(fault), "a sound that can be read", "See: earshot data check."
        if isinstance(fault, EarShotError):
            got, expected, mend = fault.got, fault.expected, fault.mend
        failure = LoadFault("bad_audio", file, got, expected, mend, clip=clip.id)
        self.failures.append(failure)
        log.warning("%s; the next clip takes its place", failure)

    def _next_readable(self, index: int, epoch: int, planned: set[int]) -> _Item:
        """The next clip of the set that can be used, from outside the batch where there is one.

        It depends on the clips alone, so that every process and every resumed run finds the same.
        """
        after = [(index + step) % len(self.clips) for step in range(1, len(self.clips))]
        outside = [each for each in after if each not in planned]
        for each in itertools.chain(outside, (each for each in after if each in planned)):
            item = self._try(each, epoch)
            if not isinstance(item, Exception):
                return item
            self._report(each, item)
        raise EarShotError(
            got=f"{len(self.clips)} clips, none of which can be read",
            expected="sounds",
            mend=f"The first fault: {self.failures[0]}",
        )


_known_bad = EarShotError(got="a clip reported before", expected="sound", mend="See failures.")


def _labels(clips: Sequence[Clip]) -> list[str]:
    return sorted({label for clip in clips for label in clip.labels})


def _length_s(clip: Clip) -> float:
    """Seconds of the clip; 0 where its file does not say or cannot be read."""
    known = clip.known_duration_s
    if known is not None:
        return known
    try:
        return clip.measure_s() or 0.0
    except (EarShotError, OSError):
        return 0.0


def _check(
    n_clips: int, batch_size: int, max_s: float | None, crop: str, rank: int, world: int
) -> None:
    """Refuse what cannot be batched."""
    if not n_clips:
        raise EarShotError(got="no clip", expected="at least one", mend="Check the split's name.")
    if batch_size < 1 or batch_size % world or min(batch_size, n_clips) < world:
        raise EarShotError(
            got=f"batch_size={batch_size} for {n_clips} clips and {world} processes",
            expected="a whole batch of at least 1 that the processes can share evenly",
            mend=f"Make batch_size a multiple of {world}.",
        )
    if not 0 <= rank < world:
        raise EarShotError(
            got=f"rank={rank} of world={world}", expected="0 <= rank < world", mend="Correct it."
        )
    if max_s is not None and not max_s > 0:
        raise EarShotError(
            got=f"max_s={max_s:g}", expected="seconds above 0", mend="Give a longer max_s."
        )
    if crop not in ("random", "start", "none"):
        raise EarShotError(
            got=f"crop={crop!r}",
            expected="random, start or none",
            mend="Pick one of these.",
        )
