"""Log-mels of ten-second clips at 48 kHz, on one thread: ours, librosa's, transformers'."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from figures import Figure, alternate, ratio
from material import RATE, clap_folder, scenes


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Ratios, and the largest difference in dB."""
    import librosa
    from transformers import ClapFeatureExtractor

    from earshot.audio import read_audio
    from earshot.features import LogMel
    from earshot.jobs.loading import load

    torch.set_num_threads(1)
    files = sorted(scenes(8 if tiny else 200).glob("*.wav"))[: 4 if tiny else 40]
    clips = [read_audio(path, sample_rate=RATE).waveform for path in files]
    config = load(clap_folder(tiny=tiny), runtime="torch").model.features.config
    front_end = LogMel(config)
    extractor = ClapFeatureExtractor.from_pretrained(clap_folder(tiny=tiny))
    sizes = {"n_fft": config.n_fft, "hop_length": config.hop_length, "n_mels": config.n_mels}
    band = {"fmin": config.f_min, "fmax": config.f_max}

    def ours() -> list[np.ndarray]:
        with torch.inference_mode():
            return [
                front_end(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))[0][0].numpy()
                for clip in clips
            ]

    def with_librosa() -> list[np.ndarray]:
        power = [
            librosa.feature.melspectrogram(y=clip, sr=RATE, pad_mode="reflect", **sizes, **band)
            for clip in clips
        ]
        return [librosa.power_to_db(each, top_db=None) for each in power]

    def with_transformers() -> list[np.ndarray]:
        found = extractor(clips, sampling_rate=RATE, return_tensors="np")["input_features"]
        return [each[0].T for each in found]

    ways = {"ours": ours, "librosa": with_librosa, "transformers": with_transformers}
    seconds = alternate(ways, n_pairs)
    own, theirs = ours(), with_transformers()
    apart = max(float(np.abs(a - b).max()) for a, b in zip(own, theirs, strict=True))
    return [
        ratio("against librosa.feature.melspectrogram", seconds, "librosa", "ours", at_least=1.0),
        ratio("against ClapFeatureExtractor", seconds, "transformers", "ours", at_least=1.0),
        Figure("largest difference to ClapFeatureExtractor", apart, "dB", at_most=0.01),
    ], {"core_ms_per_clip": min(seconds["ours"]) / len(clips) * 1e3}
