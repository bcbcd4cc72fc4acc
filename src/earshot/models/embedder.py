"""The inference face of every two-tower model: the same sound gives the same embedding, always."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.fingerprint import fingerprint
from earshot.models.load_report import LoadReport
from earshot.models.two_tower import TwoTower

if TYPE_CHECKING:
    from earshot.audio import Audio, Window

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class ClipEmbedding:
    """One clip, window by window: unit rows, and where each lies in the clip."""

    windows: np.ndarray  # [n, dim] float32
    start_s: np.ndarray  # [n]
    end_s: np.ndarray  # [n]

    @property
    def mean(self) -> np.ndarray:
        """The clip as one unit vector [dim]: the normalised mean of its windows."""
        mean = self.windows.mean(0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)


class Embedder:
    """Sounds and texts to unit vectors, deterministically.

    A clip is read in windows of the model's `window_s`, one every `hop_s` (the window's length
    where left out), never cropped at random; all windows are kept, and their mean is the clip.
    An embedding does not change with batch size, batch-mates or padding: within 1e-5 in fp32; in
    "bf16", which is twice as fast or more on a CPU that has it, within about 1e-2.
    With long_clips="fusion" a fused model takes a whole clip at once, up to 10 minutes of it.
    """

    pooling = "mean"
    max_fusion_s = 600.0

    def __init__(
        self,
        model: TwoTower,
        name: str,
        *,
        hop_s: float | None = None,
        batch_size: int = 16,
        device: str | torch.device = "cpu",
        precision: Precision = "fp32",
        long_clips: Literal["windows", "fusion"] = "windows",
        report: LoadReport | None = None,
    ):
        if precision not in ("fp32", "bf16"):
            raise unknown_name("precision", precision, ("fp32", "bf16"))
        if long_clips not in ("windows", "fusion"):
            raise unknown_name("long_clips", long_clips, ("windows", "fusion"))
        if hop_s is not None and not 0 < hop_s <= model.window_s:
            raise EarShotError(
                got=f"hop_s={hop_s:g}",
                expected=f"above 0 and at most the window, {model.window_s:g} s",
                mend="A larger hop would skip sound.",
            )
        if long_clips == "fusion" and model.long_clips is None:
            raise EarShotError(
                got=f"long_clips='fusion' for {name}, which has no fusion",
                expected="a fused model, such as laion/clap-htsat-fused",
                mend="Leave long_clips out: the clip is then read in windows.",
            )
        self.model = model.to(device).eval()
        self.name, self.batch_size, self.precision = name, batch_size, precision
        self.sample_rate, self.window_s = model.sample_rate, model.window_s
        self.hop_s = model.window_s if hop_s is None else hop_s
        self.long_clips, self.device = long_clips, torch.device(device)
        self.report = report or LoadReport(source=name)

    @cached_property
    def dim(self) -> int:
        """How many numbers an embedding has."""
        return int(self.embed_texts([""]).shape[1])

    @property
    def scale(self) -> float:
        """What the model multiplies cosines by before a softmax."""
        return float(self.model.scale.detach())

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of weights, front end, windowing and precision."""
        model = self.model
        facts = {
            "features": repr(getattr(model.features, "config", model.features)),
            "tokenizer": model.tokenizer.facts,
            "windowing": [self.sample_rate, self.window_s, self.hop_s, model.fill],
            "long_clips": [self.long_clips, repr(model.long_clips)],
            "pooling": self.pooling,
            "precision": self.precision,
        }
        tables = {f"features {name}": table for name, table in model.features.named_buffers()}
        return fingerprint(facts, {**model.state_dict(), **tables})

    def embed_waveforms(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Unit rows [n, dim] of mono waveforms [samples] at sample_rate, each within one window.

        Raises EarShotError for a clip that is empty or longer than the window.
        """
        for i, waveform in enumerate(waveforms):
            if waveform.ndim != 1 or not 0 < len(waveform) <= self._longest:
                raise EarShotError(
                    got=f"waveform {i} of shape {list(waveform.shape)}",
                    expected=f"[samples] with 1 to {self._longest} samples",
                    mend="Use embed_audio for files and for longer sound: it reads in windows.",
                )
        return self._in_batches(waveforms, [len(w) for w in waveforms], self._audio_batch)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Unit rows [n, dim] of texts."""
        distinct = list(dict.fromkeys(texts))
        rows = self._in_batches(distinct, [len(text) for text in distinct], self.model.embed_text)
        place = {text: i for i, text in enumerate(distinct)}
        return rows[[place[text] for text in texts]]

    def embed_audio(self, source: str | Path | bytes | Audio) -> ClipEmbedding:
        """All windows of a clip; a 10-hour file never lies in memory whole."""
        from earshot.audio import stream_windows

        window_s = self.max_fusion_s if self.long_clips == "fusion" else self.window_s
        hop_s = window_s if self.long_clips == "fusion" else self.hop_s
        windows = stream_windows(
            source, sample_rate=self.sample_rate, window_s=window_s, hop_s=hop_s
        )
        return self.embed_windows(windows)

    def embed_windows(self, windows: Iterable[Window]) -> ClipEmbedding:
        """The windows that `audio.stream_windows` yields, embedded as they come."""
        rows, starts, ends = [], [], []
        for group in _groups(windows, self.batch_size):
            rows.append(self.embed_waveforms([window.waveform for window in group]))
            starts += [window.start_s for window in group]
            ends += [window.end_s for window in group]
        if not rows:
            raise EarShotError(
                got="a clip without a single window",
                expected="sound",
                mend="Leave the clip out.",
            )
        return ClipEmbedding(np.concatenate(rows), np.array(starts), np.array(ends))

    @property
    def _longest(self) -> int:
        """The most samples that one embedding may take in."""
        if self.long_clips == "fusion":
            return round(self.max_fusion_s * self.sample_rate)
        return self.model.window_samples

    def _audio_batch(self, waveforms: Sequence[np.ndarray]) -> Tensor:
        n_samples = torch.tensor([len(waveform) for waveform in waveforms])
        batch = torch.zeros(len(waveforms), int(n_samples.max()))
        for row, waveform in zip(batch, waveforms, strict=True):
            row[: len(waveform)] = torch.from_numpy(np.ascontiguousarray(waveform, np.float32))
        return self.model.embed_audio(batch.to(self.device), n_samples.to(self.device))

    def _in_batches(
        self, items: Sequence, lengths: Sequence[int], embed: Callable[[Sequence], Tensor]
    ) -> np.ndarray:
        """Rows of items in their order, computed with their like in length."""
        order = sorted(range(len(items)), key=lambda i: lengths[i])
        rows: list[np.ndarray | None] = [None] * len(items)
        with torch.inference_mode(), self._autocast():
            for start in range(0, len(order), self.batch_size):
                chosen = order[start : start + self.batch_size]
                result = embed([items[i] for i in chosen]).float().cpu().numpy()
                if not np.isfinite(result).all():
                    raise EarShotError(
                        got=f"embeddings of {self.name} with NaN or infinite values",
                        expected="finite numbers",
                        mend="Check the file: earshot check; or run it in fp32.",
                    )
                for i, row in zip(chosen, result, strict=True):
                    rows[i] = row
        if not rows:
            return np.zeros((0, self.dim), np.float32)
        return np.stack(rows)

    def _autocast(self) -> contextlib.AbstractContextManager:
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


def _groups(windows: Iterable[Window], size: int) -> Iterator[list[Window]]:
    """Windows in lists of `size`, the last one shorter."""
    group: list[Window] = []
    for window in windows:
        group.append(window)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
