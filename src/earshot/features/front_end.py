"""What every front end shares: exact constants, the power spectrum, the check of its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known

Precision = Literal["double", "single"]

_PIECE = 65_536  # samples in windows: half a megabyte in double precision


class FrontEnd(nn.Module):
    """A module with nothing to learn, whose tables follow the device but never the precision.

    A model that goes to half precision, to the meta device or through `to_empty` keeps its filters
    exact. They are buffers outside the state dict, so checkpoints hold weights only.
    """

    def __init__(self) -> None:
        super().__init__()
        self._constants: dict[str, Tensor] = {}

    def add_constant(self, name: str, value: np.ndarray | Tensor) -> None:
        """Register the numbers in `value` as the float32 buffer `name`."""
        table = value.detach() if isinstance(value, Tensor) else torch.from_numpy(value.copy())
        self._constants[name] = table.to("cpu", torch.float32, copy=True)
        self.register_buffer(name, self._constants[name], persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FrontEnd:
        super()._apply(fn, recurse)
        for name, value in self._constants.items():
            setattr(self, name, value.to(getattr(self, name).device))
        return self


def working_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """What the Fourier transform is computed in, float64 or float32.

    In double precision, as in librosa and transformers, a band 120 dB below the loudest is right to
    1e-4 dB, where single precision can be off by decibels. Single takes about half the time, and is
    what a device without float64 (Apple's MPS) gets.
    """
    return torch.float64 if precision == "double" and device.type != "mps" else torch.float32


def power_spectrum(frames: Tensor, window: Tensor, n_fft: int) -> Tensor:
    """Squared magnitudes of the windowed frames, float32: [..., size] -> [..., n_fft // 2 + 1].

    Computed in the precision of `window`, float64 or float32.
    """
    spectrum = torch.fft.rfft(frames * window, n=n_fft)
    return (spectrum.real.square() + spectrum.imag.square()).float()


def check_waveform(waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
    """`waveform` [batch, samples] and `n_samples` [batch], refused where they cannot be sound.

    Comes back in float32 (float64 is kept), the lengths as int64 on the waveform's device; these
    must lie in 1..samples.
    """
    check_shape(
        "waveform",
        waveform,
        ("batch", "samples"),
        mend="Mix channels to mono and stack the clips, zero-padded to the longest.",
    )
    if not waveform.is_floating_point():
        raise EarShotError(
            got=f"waveform of {str(waveform.dtype).removeprefix('torch.')}",
            expected="floating point in [-1, 1]",
            mend="Divide 16-bit samples by 32768.",
        )
    check_shape(
        "n_samples",
        n_samples,
        (waveform.shape[0],),
        mend="Give one length for every clip of the batch.",
    )
    if values_are_known() and not bool(((n_samples >= 1) & (n_samples <= waveform.shape[1])).all()):
        raise EarShotError(
            got=f"n_samples from {int(n_samples.min())} to {int(n_samples.max())}",
            expected=f"lengths from 1 to {waveform.shape[1]}, the width of the batch",
            mend="Leave out clips without samples, and count the real samples of the others.",
        )
    waveform = waveform if waveform.dtype == torch.float64 else waveform.float()
    return waveform, n_samples.to(waveform.device, torch.int64)


def by_pieces(of_frames: Callable[[Tensor], Tensor], frames: Tensor) -> Tensor:
    """`of_frames` of frames [batch, frames, size], whatever it makes of the last dimension.

    On a CPU clip by clip, in pieces that its caches hold: over twice as fast as all at once, and
    the memory in use does not grow with the length of the clip. Elsewhere, and in a graph that is
    exported, in one go.
    """
    if frames.device.type != "cpu" or not values_are_known():
        return of_frames(frames)
    if not len(frames):  # MKL transforms no empty batch
        return of_frames(frames.new_zeros(1, *frames.shape[1:]))[:0]
    n_frames = max(1, _PIECE // frames.shape[-1])
    clips = [torch.cat([of_frames(piece) for piece in clip.split(n_frames)]) for clip in frames]
    return torch.stack(clips)
