"""Sounds and texts to vectors by one method, `encode`, as people know it from other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from earshot.adapters.sounds import embed_sounds, to_source
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.shapes import check_shape
from earshot.jobs.loading import load

if TYPE_CHECKING:
    from torch import Tensor

    from earshot.models.embedder import Embedder

Modality = Literal["text", "audio"]


class Encoder:
    """A model whose `encode` takes texts and sounds and gives rows of one space.

    `model` is whatever `earshot.load` takes, or an Embedder. The interface follows
    sentence-transformers' SentenceTransformer: `encode`, `similarity`, `similarity_pairwise`.
    """

    def __init__(
        self,
        model: str | Path | Embedder = "earshot-small",
        *,
        device: str = "cpu",
        precision: Literal["fp32", "bf16"] = "fp32",
    ) -> None:
        self.embedder: Embedder = (
            load(model, device=device, precision=precision)
            if isinstance(model, str | Path)
            else model
        )

    @property
    def dim(self) -> int:
        """How many numbers a row has."""
        return self.embedder.dim

    def get_embedding_dimension(self) -> int:
        """The same under sentence-transformers' name."""
        return self.dim

    def encode(
        self,
        inputs: Any,
        *,
        modality: Modality | None = None,
        sample_rate: int | None = None,
        batch_size: int = 16,
        normalize_embeddings: bool = True,
        convert_to_tensor: bool = False,
        show_progress_bar: bool = False,
    ) -> np.ndarray | Tensor:
        """Rows [n, dim] of a list of inputs in its order, or one row [dim] of a single input.

        The type decides: a str is a text; a Path, bytes of a file, an Audio, an array ([samples] or
        [channels, samples], at `sample_rate` Hz) or {"array", "sampling_rate"} is a sound. With
        modality="audio" a str is the path of a sound. A list may hold both. A sound's row is the
        mean of its windows, that of `earshot.embed`; normalize_embeddings=False leaves that mean at
        its own length, which says how alike the windows are (texts are unit rows always).
        """
        if modality not in (None, *get_args(Modality)):
            raise unknown_name("modality", str(modality), get_args(Modality))
        if batch_size < 1:
            raise EarShotError(
                got=f"batch_size={batch_size}", expected="1 or more", mend="Leave it out."
            )
        single = not isinstance(inputs, Iterable) or isinstance(inputs, str | bytes | Mapping)
        single = single or _is_waveform(inputs)
        items: list[Any] = [inputs] if single else list(inputs)
        kinds = [modality or ("text" if isinstance(item, str) else "audio") for item in items]
        rows = np.zeros((len(items), self.dim), np.float32)
        with _progress(len(items), show_progress_bar) as tick, self._batches_of(batch_size):
            self._texts(items, [i for i, kind in enumerate(kinds) if kind == "text"], rows, tick)
            sounds = [i for i, kind in enumerate(kinds) if kind == "audio"]
            found = embed_sounds((to_source(items[i], sample_rate) for i in sounds), self.embedder)
            for i, clip in zip(sounds, found, strict=True):
                rows[i] = clip.mean if normalize_embeddings else clip.windows.mean(0)
                tick(1)
        answer = rows[0] if single else rows
        if not convert_to_tensor:
            return answer
        import torch

        return torch.from_numpy(answer)

    def similarity(self, first: Any, second: Any) -> Tensor:
        """Cosines [n, m] of every row of `first` [n, dim] with every row of `second` [m, dim]."""
        return _units(first) @ _units(second).T

    def similarity_pairwise(self, first: Any, second: Any) -> Tensor:
        """Cosines [n] of each row of `first` with the row of `second` at its place."""
        one, other = _units(first), _units(second)
        check_shape("second", other, tuple(one.shape), mend="Give both as many rows.")
        return (one * other).sum(1)

    def _texts(
        self, items: list[Any], places: list[int], rows: np.ndarray, tick: Callable[[int], object]
    ) -> None:
        """Fill the rows of the texts."""
        for i in places:
            if not isinstance(items[i], str):
                raise EarShotError(
                    got=f"input {i}, a {type(items[i]).__name__}, as text",
                    expected="a str",
                    mend="Leave modality out: the type of each input decides.",
                )
        if places:
            rows[places] = self.embedder.embed_texts([items[i] for i in places])
            tick(len(places))

    @contextmanager
    def _batches_of(self, size: int) -> Iterator[None]:
        """Let the embedder run batches of `size`, for this call."""
        before = getattr(self.embedder, "batch_size", size)
        self.embedder.batch_size = size
        try:
            yield
        finally:
            self.embedder.batch_size = before


def _is_waveform(value: Any) -> bool:
    """True for a tensor and an array of numbers; a column of texts or of paths is a list."""
    return hasattr(value, "detach") or (isinstance(value, np.ndarray) and value.dtype.kind in "fiu")


@contextmanager
def _progress(total: int, shown: bool) -> Iterator[Callable[[int], object]]:
    from tqdm.auto import tqdm

    with tqdm(total=total, disable=not shown, unit="input") as bar:
        yield bar.update


def _units(rows: Sequence[Any] | np.ndarray | Tensor) -> Tensor:
    """Rows as a float tensor [n, dim] of unit length."""
    import torch
    import torch.nn.functional as F

    values = rows if isinstance(rows, torch.Tensor) else torch.from_numpy(np.asarray(rows))
    return F.normalize(torch.atleast_2d(values.float()))
