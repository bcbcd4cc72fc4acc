"""PANNs' released files: CNN6, CNN10, CNN14 and its variants, Wavegram-CNN14."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig, Decision
from earshot.encoders.wavegram import WavegramConfig
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.features.waveform import WaveformConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.load_report import LoadReport
from earshot.models.loading.cnn_sizes import cnn_sizes
from earshot.models.loading.stored_front_end import name_in_features, stored_front_end
from earshot.models.loading.weights import Placement
from earshot.models.sound_encoder import SoundEncoder

SILENCE_DB = -100.0  # what the front end reads where there is nothing
WINDOW_S = 10.0  # what they were trained on
BY_NAME: dict[str, Decision] = {"DecisionLevelMax": "max", "DecisionLevelAvg": "mean"}


@dataclass(frozen=True)
class _Heard:
    """The front end of a file: one of three by the length of its Fourier transform."""

    features: LogMelConfig
    stored: bool  # whether the file holds it


def is_panns(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of a PANNs tagger, bare."""
    return {"bn0.weight", "fc1.weight"} <= state.keys() and (
        "fc_audioset.weight" in state or "att_block.cla.weight" in state
    )


def load_panns(state: Mapping[str, Tensor], path: Path) -> tuple[SoundEncoder, LoadReport]:
    """The model of a PANNs state dict, at the sample rate that its own front end is made for.

    The stored STFT and mel tables must be those that are computed here; they are compared and
    dropped. Max and Avg decisions differ in the file's name alone, and are told by it.
    """
    config, heard = panns_config(state, path)
    model = build_sound_encoder(config)
    placement = Placement()
    for name, tensor in state.items():
        if name_in_features(name):
            placement.used(name, name_in_features(name))
        else:
            placement.put(name, {f"audio_encoder.{name}": tensor})
    missing = placement.place_into(model, path)
    notes = () if heard.stored else ("the file holds no front end: that of 32 kHz is used",)
    report = LoadReport(
        source=str(path),
        kind=f"PANNs, {_kind(config)} at {model.sample_rate / 1_000:g} kHz",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
        notes=notes,
    )
    return model.eval(), report


def panns_config(state: Mapping[str, Tensor], path: Path) -> tuple[SoundEncoderConfig, _Heard]:
    """The model that a file's tensors describe, and its front end."""
    if "conv_block2.conv1.weight" not in state:
        raise EarShotError(
            got=f"{path}, a PANNs tagger without CNN blocks",
            expected="Cnn6, Cnn10, Cnn14 or a variant of it, Wavegram_Cnn14, Wavegram_Logmel_Cnn14",
            mend="ResNets, MobileNets and one-dimensional networks have no loader; take Cnn14.",
        )
    cnn = _cnn(state, path)
    heard = _front_end(state, cnn.n_mels, path)
    if "pre_conv0.weight" not in state:
        tower = AudioTower(cnn=cnn)
        return SoundEncoderConfig(audio=tower, features=heard.features, window_s=WINDOW_S), heard
    beside = state["conv_block2.conv1.weight"].shape[1] == 2 * cnn.channels[0]
    wavegram = AudioTower(wavegram=_wavegram(state, cnn, log_mel=beside))
    if beside:
        features = replace(heard.features, with_samples=True)
        return SoundEncoderConfig(audio=wavegram, features=features, window_s=WINDOW_S), heard
    samples = WaveformConfig(sample_rate=heard.features.sample_rate, unit_variance=False)
    return SoundEncoderConfig(audio=wavegram, waveform=samples, window_s=WINDOW_S), heard


def _cnn(state: Mapping[str, Tensor], path: Path) -> CnnConfig:
    sizes = replace(cnn_sizes(state), silence_db=SILENCE_DB)
    if "att_block.cla.weight" in state:
        n_classes = len(state["att_block.cla.weight"])
        return replace(sizes, decision="attention", n_classes=n_classes)
    told = [decision for word, decision in BY_NAME.items() if word in path.name]
    return replace(sizes, decision=told[0] if told else None)


def _wavegram(state: Mapping[str, Tensor], cnn: CnnConfig, *, log_mel: bool) -> WavegramConfig:
    """The released sizes, narrower where the tensors are."""
    blocks = [state[f"pre_block{i}.conv1.weight"] for i in (1, 2, 3)]
    return WavegramConfig(
        cnn=cnn,
        log_mel=log_mel,
        stem=len(state["pre_conv0.weight"]),
        channels=tuple(len(block) for block in blocks),
        n_groups=state["pre_block4.conv1.weight"].shape[1],
    )


def _front_end(state: Mapping[str, Tensor], n_mels: int, path: Path) -> _Heard:
    """The settings whose tables the file holds; other tables than those are refused."""
    stored = stored_front_end(state)
    if stored.mel_matrix is None:
        return _Heard(replace(LogMelConfig.panns_32k(), n_mels=n_mels), stored=False)
    presets = (LogMelConfig.panns_32k(), LogMelConfig.panns_16k(), LogMelConfig.panns_8k())
    n_fft = 2 * (len(stored.mel_matrix) - 1)
    for preset in presets:
        if preset.n_fft == n_fft and stored.mel_matrix.shape[1] == n_mels:
            config = replace(preset, n_mels=n_mels)
            ours = LogMel(config, stft_kernels=stored.stft_kernels)
            if not ours.own_kernels and torch.allclose(
                ours.mel_matrix, stored.mel_matrix.float(), rtol=0.0, atol=1e-6
            ):
                return _Heard(config, stored=True)
    raise EarShotError(
        got=f"{path} with a front end of {n_fft} samples and {n_mels} mels of its own",
        expected="that of the released models at 32, 16 or 8 kHz",
        mend="A front end with other settings is not read: train with the released ones.",
    )


def _kind(config: SoundEncoderConfig) -> str:
    if config.audio.wavegram is not None:
        return "Wavegram-Logmel-CNN" if config.audio.wavegram.log_mel else "Wavegram-CNN"
    cnn = config.audio.cnn
    assert cnn is not None
    name = {6: "CNN14", 4: "CNN10" if cnn.convs_per_block == 2 else "CNN6"}[len(cnn.channels)]
    return name if cnn.decision is None else f"{name} by segments ({cnn.decision})"
