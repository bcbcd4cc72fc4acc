"""Short-time Fourier transform and its inverse, exact for every clip of a padded batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.features.front_end import by_pieces, check_waveform

LONGEST_FFT = 65_536  # samples: 0.34 s at 192 kHz


@dataclass(frozen=True)
class STFTConfig:
    """A periodic Hann window of `n_fft` samples, moved by `hop_length`, centred on its frame."""

    n_fft: int = 1_024  # samples, even
    hop_length: int = 256  # samples, at most half a window so that the inverse exists

    def __post_init__(self) -> None:
        check_frames(self.n_fft, self.hop_length)
        if self.hop_length > self.n_fft // 2:
            raise EarShotError(
                got=f"hop_length={self.hop_length} with n_fft={self.n_fft}",
                expected=f"hop_length of at most {self.n_fft // 2}, half a window",
                mend="Lower hop_length, or the windows leave gaps that no inverse can fill.",
            )


def check_frames(n_fft: int, hop_length: int) -> None:
    """Refuse windows and hops that make no frames."""
    if not 2 <= n_fft <= LONGEST_FFT or n_fft % 2 or hop_length < 1:
        raise EarShotError(
            got=f"n_fft={n_fft} with hop_length={hop_length}",
            expected=f"an even n_fft of 2 to {LONGEST_FFT} and a hop_length of at least 1",
            mend="Give both in samples.",
        )


def stft(waveform: Tensor, n_samples: Tensor, config: STFTConfig) -> tuple[Tensor, Tensor]:
    """Complex spectrum [batch, n_fft // 2 + 1, frames], and n_frames [batch].

    `waveform` [batch, samples], real lengths `n_samples` [batch]. Each clip is reflected at its own
    two ends, so it has the same frames alone as in a batch: n_samples // hop_length + 1 of them,
    equal to `torch.stft(center=True)`. Frames past `n_frames` are zero.
    """
    waveform, n_samples = check_waveform(waveform, n_samples)
    window = torch.hann_window(config.n_fft, dtype=waveform.dtype, device=waveform.device)
    with torch.autocast(waveform.device.type, enabled=False):
        padded = reflect_pad(waveform, n_samples, config.n_fft // 2)
        frames = padded.unfold(1, config.n_fft, config.hop_length)  # [batch, frames, n_fft]
        spectrum = by_pieces(lambda piece: torch.fft.rfft(piece * window), frames)
        spectrum = spectrum.transpose(1, 2)  # [batch, n_freq, frames]
    n_frames = n_samples // config.hop_length + 1
    padding = ~real_frames(n_frames, spectrum.shape[2])
    return spectrum.masked_fill(padding[:, None], 0.0), n_frames


def istft(spectrum: Tensor, n_samples: Tensor, config: STFTConfig) -> Tensor:
    """The waveform [batch, samples] of a spectrum made by `stft`: zero past `n_samples`.

    Windowed overlap-add divided by the summed squares of the windows of each clip's own frames:
    the least-squares inverse, which gives an unchanged spectrum's waveform back.
    Source: Griffin and Lim, 1984, Eq. 6.
    """
    n_fft, hop = config.n_fft, config.hop_length
    check_shape(
        "spectrum",
        spectrum,
        (len(n_samples), n_fft // 2 + 1, "frames"),
        mend="Give stft and istft the same config.",
    )
    n_samples = n_samples.to(spectrum.device, torch.int64)
    window = torch.hann_window(n_fft, dtype=spectrum.real.dtype, device=spectrum.device)
    real = real_frames(n_samples // hop + 1, spectrum.shape[2])[..., None]  # [batch, frames, 1]
    frames = torch.fft.irfft(spectrum.transpose(1, 2), n=n_fft) * window * real
    weight = window.square() * real  # [batch, frames, n_fft]
    width = n_fft + hop * (spectrum.shape[2] - 1)

    def overlap_add(pieces: Tensor) -> Tensor:
        folded = F.fold(pieces.transpose(1, 2), (1, width), (1, n_fft), stride=(1, hop))
        return folded[:, 0, 0, n_fft // 2 :]  # [batch, width - n_fft // 2]

    samples = int(n_samples.max())
    total, weights = overlap_add(frames)[:, :samples], overlap_add(weight)[:, :samples]
    inside = torch.arange(samples, device=spectrum.device) < n_samples[:, None]
    return torch.where(inside, total / weights.clamp(min=torch.finfo(weights.dtype).tiny), 0.0)


def reflect_pad(waveform: Tensor, n_samples: Tensor, n_pad: int) -> Tensor:
    """Each clip with `n_pad` samples mirrored before its start and after its own end.

    [batch, samples] -> [batch, samples + 2 * n_pad]; what lies past a clip's mirrored tail means
    nothing, and no frame centred on the clip reaches it. The end samples are not doubled. A clip
    too short to fill `n_pad` is mirrored again and again (as `numpy.pad(mode="reflect")` does it),
    and a single sample is repeated.
    """
    ends = n_samples[:, None]
    steps = torch.arange(1, n_pad + 1, device=waveform.device)
    head, tail = -steps.flip(0).expand(len(ends), -1), ends - 1 + steps  # [batch, n_pad] both
    outside = torch.cat([head, tail], dim=1)
    mirrored = waveform.gather(1, _mirror(outside, ends))
    return F.pad(waveform, (n_pad, n_pad)).scatter_(1, outside + n_pad, mirrored)


def _mirror(index: Tensor, n_samples: Tensor) -> Tensor:
    """Where a position outside 0..n_samples-1 falls after mirroring at both ends."""
    period = (2 * (n_samples - 1)).clamp(min=1)
    index = index.remainder(period)
    return torch.minimum(index, period - index) * (n_samples > 1)


def real_frames(n_frames: Tensor, frames: int) -> Tensor:
    """True where a frame belongs to its clip: n_frames [batch] -> [batch, frames]."""
    return torch.arange(frames, device=n_frames.device) < n_frames[:, None]
