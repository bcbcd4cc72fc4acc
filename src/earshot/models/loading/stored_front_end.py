"""The front end that a checkpoint brings along: its mel matrix and its STFT kernels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from earshot.features.log_mel import LogMel, LogMelConfig

MEL = "logmel_extractor.melW"
KERNELS = (
    "spectrogram_extractor.stft.conv_real.weight",
    "spectrogram_extractor.stft.conv_imag.weight",
)


_NAMES = {
    MEL: "features.mel_matrix",
    KERNELS[0]: "features.stft_kernels[0]",
    KERNELS[1]: "features.stft_kernels[1]",
}


def name_in_features(key: str) -> str:
    """Where a key of the file is used in LogMel; "" for a key of something else."""
    return next((here for stored, here in _NAMES.items() if key.endswith(stored)), "")


@dataclass(frozen=True)
class StoredFrontEnd:
    """What the file held of it; None where it did not."""

    mel_matrix: Tensor | None  # [n_fft // 2 + 1, n_mels]
    stft_kernels: tuple[Tensor, Tensor] | None  # each [n_fft // 2 + 1, 1, n_fft]


def stored_front_end(state: Mapping[str, Tensor]) -> StoredFrontEnd:
    """The front end's tensors among an audio tower's."""
    real, imag = (state.get(name) for name in KERNELS)
    kernels = None if real is None or imag is None else (real, imag)
    return StoredFrontEnd(state.get(MEL), kernels)


def log_mel_of(config: LogMelConfig, stored: StoredFrontEnd) -> LogMel:
    """The log-mel that computes with the stored tables, never with recomputed ones."""
    if stored.mel_matrix is not None:
        n_freq, n_mels = stored.mel_matrix.shape
        config = replace(config, n_fft=2 * (n_freq - 1), n_mels=n_mels)
    return LogMel(config, mel_matrix=stored.mel_matrix, stft_kernels=stored.stft_kernels)
