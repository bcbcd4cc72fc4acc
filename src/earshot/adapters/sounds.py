"""Sounds in whatever form other libraries hand them over, embedded by the jobs' own path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot.audio import Audio, AudioError, read_audio, stream_windows
from earshot.core.errors import EarShotError
from earshot.engines import Task, embed_each

if TYPE_CHECKING:
    from earshot.models.embedder import ClipEmbedding, Embedder

Source = Path | bytes | Audio


def to_source(sound: Any, sample_rate: int | None = None) -> Source:
    """`sound` as something that the audio room opens.

    A path, the bytes of a file, an Audio; an array or a tensor, [samples] or [channels, samples],
    with its `sample_rate`; or what `datasets` and MTEB hand out: {"array", "sampling_rate"},
    {"bytes", "path"}, or a decoder that answers to those names.
    """
    if isinstance(sound, str | Path):
        return Path(sound)
    if isinstance(sound, bytes | Audio):
        return sound
    if isinstance(sound, Mapping) and sound.get("bytes"):
        return bytes(sound["bytes"])
    if isinstance(sound, Mapping) and sound.get("path") and "array" not in sound:
        return Path(sound["path"])
    if not hasattr(sound, "shape") and hasattr(sound, "__getitem__"):
        sound, sample_rate = _named(sound)
    if not hasattr(sound, "shape"):
        raise AudioError(
            got=f"a {type(sound).__name__}",
            expected="a path, the bytes of a file, an Audio, an array or {'array', "
            "'sampling_rate'}",
            mend="Turn it into one of these.",
        )
    if hasattr(sound, "detach"):
        sound = sound.detach().cpu()
    return read_audio(np.asarray(sound), source_rate=sample_rate)


def embed_sounds(sounds: Iterable[Source], embedder: Embedder) -> Iterator[ClipEmbedding]:
    """Every sound in its windows, in order, decoded ahead and embedded together.

    Raises EarShotError at the first that cannot be used: callers that expect a row a sound must
    not get fewer. `earshot.embed` is the job that goes on past failures.
    """

    def task(number: int, sound: Source) -> Task[int]:
        return Task(
            number,
            partial(
                stream_windows,
                sound,
                sample_rate=embedder.sample_rate,
                window_s=embedder.window_s,
                hop_s=embedder.hop_s,
            ),
        )

    tasks = (task(number, sound) for number, sound in enumerate(sounds))
    for done in embed_each(tasks, embedder):
        if done.embedding is None:
            raise EarShotError(
                got=f"sound number {done.key}, which cannot be used ({done.error})",
                expected="sounds that can all be read",
                mend="Leave it out; earshot.embed goes on past failures and lists them.",
            )
        yield done.embedding


def _named(sound: Any) -> tuple[Any, int]:
    """The array and the rate of something that has both by name."""
    try:
        return sound["array"], int(sound["sampling_rate"])
    except (KeyError, TypeError, IndexError) as fault:
        raise AudioError(
            got=f"a {type(sound).__name__} without array and sampling_rate",
            expected="both, or bytes, or path",
            mend="With datasets, cast the column: cast_column('audio', Audio(decode=False)).",
        ) from fault
