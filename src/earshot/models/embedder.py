"""The inference face of every model: the same sound gives the same embedding, always."""

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
from earshot.models.openvino_tower import (
    OpenVinoTower,
    cpu_has_bf16,
    has_openvino,
    takes_full_windows,
)
from earshot.models.sound_encoder import SoundEncoder
from earshot.models.two_tower import TwoTower

if TYPE_CHECKING:
    from earshot.audio import Audio, Window

Precision = Literal["fp32", "bf16", "fast"]
Runtime = Literal["auto", "torch", "openvino"]
PRECISIONS, RUNTIMES = ("fp32", "bf16", "fast"), ("auto", "torch", "openvino")
WORTH_EXPORTING = 32  # windows at once from which on "auto" has OpenVINO run an exact model


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
    """Sounds and, where the model has words, texts to unit vectors, deterministically.

    A clip is read in windows of the model's `window_s`, one every `hop_s` (the window's length
    where left out), never cropped at random; all windows are kept, and their mean is the clip.
    An embedding does not change with batch size, batch-mates or padding: within 1e-5 in fp32; in
    "bf16", which is twice as fast or more on a CPU that has it, within about 1e-2.

    precision "fast" takes the quickest way there is on this machine, to within 0.005 of cosine:
    bf16 under OpenVINO; bf16 in torch where OpenVINO is missing or does not fit; fp32 where the
    processor has no bf16. `note` says what was missing. Texts stay in fp32.
    runtime "auto" runs exact models of full windows under OpenVINO where that is installed and the
    job is large enough; rows agree with torch's within 1e-5, so the fingerprint is the same.

    With long_clips="fusion" a fused model takes a whole clip at once, up to 10 minutes of it.
    """

    pooling = "mean"
    max_fusion_s = 600.0

    def __init__(
        self,
        model: SoundEncoder,
        name: str,
        *,
        hop_s: float | None = None,
        batch_size: int = 16,
        device: str | torch.device = "cpu",
        precision: Precision = "fp32",
        runtime: Runtime = "auto",
        long_clips: Literal["windows", "fusion"] = "windows",
        report: LoadReport | None = None,
    ):
        if precision not in PRECISIONS:
            raise unknown_name("precision", precision, PRECISIONS)
        if runtime not in RUNTIMES:
            raise unknown_name("runtime", runtime, RUNTIMES)
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
        self.name, self.batch_size = name, batch_size
        self.precision, self.runtime, self.note = precision, runtime, ""
        self.sample_rate, self.window_s = model.sample_rate, model.window_s
        self.hop_s = model.window_s if hop_s is None else hop_s
        self.long_clips, self.device = long_clips, torch.device(device)
        self.report = report or LoadReport(source=name)
        self._tower: OpenVinoTower | None = None
        self._choose_runtime()

    @cached_property
    def dim(self) -> int:
        """How many numbers an embedding has."""
        if isinstance(self.model, TwoTower):
            return int(self.embed_texts([""]).shape[1])
        return self.model.audio_encoder.dim

    @property
    def scale(self) -> float:
        """What the model multiplies cosines by before a softmax."""
        return float(self.words.scale.detach())

    @property
    def words(self) -> TwoTower:
        """The model as one that knows words; EarShotError where it only hears."""
        if isinstance(self.model, TwoTower):
            return self.model
        raise EarShotError(
            got=f"{self.name}, which hears and knows no words",
            expected="a model of sound and language for texts",
            mend="Pass one, such as earshot-small, or teach this one words: "
            "earshot run clap --audio-model MODEL.",
        )

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of weights, front end, windowing and precision."""
        model = self.model
        facts = {
            "features": repr(getattr(model.features, "config", model.features)),
            "windowing": [self.sample_rate, self.window_s, self.hop_s, model.fill],
            "long_clips": [self.long_clips, repr(model.long_clips)],
            "pooling": self.pooling,
            "precision": self.precision,
        }
        if isinstance(model, TwoTower):
            facts["tokenizer"] = model.tokenizer.facts
        tables = {f"features {name}": table for name, table in model.features.named_buffers()}
        return fingerprint(facts, {**model.state_dict(), **tables})

    def to(self, device: str | torch.device) -> Embedder:
        """This embedder, its model moved to another device."""
        self.model.to(device)
        self.device, self._tower = torch.device(device), None
        return self

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
        return self.embed_prepared([self.prepare(waveform) for waveform in waveforms])

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """What the audio encoder reads of one waveform, so that other threads can make it.

        The log-mel [n_mels, frames] for models of full windows on the CPU, the waveform for others.
        """
        if not self._reads_frames:
            return waveform
        samples = torch.from_numpy(np.ascontiguousarray(waveform, np.float32))[None]
        with torch.inference_mode():
            log_mel, _ = self.model.frames(samples, torch.tensor([samples.shape[1]]))
        return log_mel[0].numpy()

    def embed_prepared(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """Unit rows [n, dim] of what `prepare` gave."""
        tower = self._openvino(len(prepared))
        if tower is not None:
            return self._finite(tower(prepared))
        with self._autocast(self.precision in ("bf16", "fast")):
            lengths = [each.shape[-1] for each in prepared]
            return self._in_batches(prepared, lengths, self._audio_batch)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Unit rows [n, dim] of texts; EarShotError where the model knows no words."""
        embed_text = self.words.embed_text
        distinct = list(dict.fromkeys(texts))
        lengths = [len(text) for text in distinct]
        with self._autocast(self.precision == "bf16"):
            rows = self._in_batches(distinct, lengths, embed_text)
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

    @property
    def _reads_frames(self) -> bool:
        """True when every clip comes to the encoder as one full window, made on the CPU."""
        full = takes_full_windows(self.model) and self.long_clips == "windows"
        return full and self.device.type == "cpu"

    def _choose_runtime(self) -> None:
        """Refuse what cannot be; note what "fast" has to do without."""
        fits = self._reads_frames
        if self.runtime == "openvino":
            if not fits:
                raise EarShotError(
                    got=f"runtime='openvino' for {self.name} on {self.device}",
                    expected="a model of full windows, such as CLAP's HTSAT, on the CPU",
                    mend="Leave runtime out.",
                )
            self._openvino(WORTH_EXPORTING)
        elif self.precision == "fast" and fits and self.runtime == "auto" and not has_openvino():
            self.note = (
                "OpenVINO is not installed: torch runs the model in bf16, at about half the speed. "
                'To get it: pip install "earshot[fast]"'
            )

    def _openvino(self, n: int) -> OpenVinoTower | None:
        """What runs the audio tower for a job of `n` windows; None where torch does."""
        worth = self.precision == "fast" or self.runtime == "openvino" or n >= WORTH_EXPORTING
        fits = self.precision != "bf16" and self._reads_frames and self.runtime != "torch"
        if (
            self._tower is None
            and worth
            and fits
            and (self.runtime == "openvino" or has_openvino())
        ):
            as_bf16 = self.precision == "fast" and cpu_has_bf16()
            if self.precision == "fast" and not as_bf16:
                self.note = "This processor has no bf16: OpenVINO runs the model in fp32."
            self._tower = OpenVinoTower(self.model, "bf16" if as_bf16 else "fp32")
        return self._tower

    def _audio_batch(self, prepared: Sequence[np.ndarray]) -> Tensor:
        if self._reads_frames:
            log_mel = torch.from_numpy(np.stack(prepared))
            return self.model.embed_frames(
                log_mel, torch.full((len(prepared),), self.model.window_frames)
            )
        return self._waveform_batch(prepared)

    def _waveform_batch(self, waveforms: Sequence[np.ndarray]) -> Tensor:
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
        with torch.inference_mode():
            for start in range(0, len(order), self.batch_size):
                chosen = order[start : start + self.batch_size]
                result = self._finite(embed([items[i] for i in chosen]).float().cpu().numpy())
                for i, row in zip(chosen, result, strict=True):
                    rows[i] = row
        if not rows:
            return np.zeros((0, self.dim), np.float32)
        return np.stack(rows)

    def _finite(self, rows: np.ndarray) -> np.ndarray:
        if not np.isfinite(rows).all():
            raise EarShotError(
                got=f"embeddings of {self.name} with NaN or infinite values",
                expected="finite numbers",
                mend="Check the file: earshot check; or run it in fp32.",
            )
        return rows

    def _autocast(self, as_bf16: bool) -> contextlib.AbstractContextManager:
        if not as_bf16:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_tower": None}  # whoever gets a copy makes its own


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
