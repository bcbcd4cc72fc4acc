"""Waveform to frames: log-mel, Kaldi fbank, STFT, fusion views of long clips."""

from earshot.features.cmvn import utterance_cmvn
from earshot.features.fit_length import (
    centre_crop,
    random_crop,
    repeat_cut,
    repeat_pad,
    zero_pad,
)
from earshot.features.fusion import FusedViews, fuse_views
from earshot.features.kaldi import KaldiFbank, KaldiFbankConfig, fit_frames, stack_frames
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.features.mel import mel_filter_bank
from earshot.features.stft import STFTConfig, istft, stft
from earshot.features.waveform import Waveform, WaveformConfig

__all__ = [
    "FusedViews",
    "KaldiFbank",
    "KaldiFbankConfig",
    "LogMel",
    "LogMelConfig",
    "STFTConfig",
    "Waveform",
    "WaveformConfig",
    "centre_crop",
    "fit_frames",
    "fuse_views",
    "istft",
    "mel_filter_bank",
    "random_crop",
    "repeat_cut",
    "repeat_pad",
    "stack_frames",
    "stft",
    "utterance_cmvn",
    "zero_pad",
]
