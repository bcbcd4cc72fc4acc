"""Which encoder hears, by config; and the model that has nothing but an encoder of sound."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from earshot.core.errors import EarShotError
from earshot.encoders.agnostic import (
    AgnosticEncoder,
    SpectrogramStem,
    SpectrogramStemConfig,
    Trunk,
)
from earshot.encoders.beats import BeatsConfig, BeatsEncoder
from earshot.encoders.conformer import Conformer, ConformerConfig
from earshot.encoders.decision_level import DecisionCnn
from earshot.encoders.earshot_cnn import EarshotCnn, EarshotCnnConfig
from earshot.encoders.eat import EatConfig, EatEncoder
from earshot.encoders.frame_encoder import FrameEncoder, FrameEncoderConfig
from earshot.encoders.htsat import Htsat, HtsatConfig
from earshot.encoders.mel_frames import MelFrames, MelFramesConfig
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.encoders.spectrogram_transformer import (
    SpectrogramTransformer,
    SpectrogramTransformerConfig,
)
from earshot.encoders.strip_transformer import StripTransformer, StripTransformerConfig
from earshot.encoders.tcn import Tcn, TcnConfig
from earshot.encoders.wav2vec2 import Wav2Vec2Encoder, Wav2Vec2EncoderConfig
from earshot.encoders.wavegram import WavegramCnn, WavegramConfig
from earshot.encoders.whisper import WhisperConfig, WhisperSpeech
from earshot.features import (
    KaldiFbank,
    KaldiFbankConfig,
    LogMel,
    LogMelConfig,
    Waveform,
    WaveformConfig,
)
from earshot.models.sound_encoder import Fill, SoundEncoder

LONGEST_WINDOW_S = 600.0


@dataclass(frozen=True)
class AudioTower:
    """The audio encoder: exactly one of these is set."""

    htsat: HtsatConfig | None = None
    cnn: CnnConfig | None = None
    strips: StripTransformerConfig | None = None
    earshot: EarshotCnnConfig | None = None
    agnostic: SpectrogramStemConfig | None = None  # into the trunk that the text tower shares
    whisper: WhisperConfig | None = None
    tcn: TcnConfig | None = None
    conformer: ConformerConfig | None = None
    beats: BeatsConfig | None = None
    wavegram: WavegramConfig | None = None
    spectrogram: SpectrogramTransformerConfig | None = None
    wav2vec2: Wav2Vec2EncoderConfig | None = None
    mels: MelFramesConfig | None = None  # the frames themselves
    frames: FrameEncoderConfig | None = None
    eat: EatConfig | None = None

    def __post_init__(self) -> None:
        check_one("audio tower", self)


@dataclass(frozen=True)
class SoundEncoderConfig:
    """An encoder of sound alone: one front end, one encoder, and the window it hears."""

    audio: AudioTower
    features: LogMelConfig | None = None
    fbank: KaldiFbankConfig | None = None
    waveform: WaveformConfig | None = None
    window_s: float = 10.0
    fill: Fill = "none"  # of clips shorter than the window

    def __post_init__(self) -> None:
        check_one_front_end(self)
        check_window(self.window_s)


def check_window(window_s: float) -> None:
    """Refuse a window that no model has."""
    if not 0 < window_s <= LONGEST_WINDOW_S:
        raise EarShotError(
            got=f"window_s={window_s:g}",
            expected=f"above 0 and at most {LONGEST_WINDOW_S:g}",
            mend="Longer sounds are read in several windows.",
        )


def check_one_front_end(config: Any) -> None:
    """Refuse a config unless exactly one of `features`, `fbank` and `waveform` is set."""
    names = ("features", "fbank", "waveform")
    chosen = [name for name in names if getattr(config, name) is not None]
    if len(chosen) != 1:
        raise EarShotError(
            got=f"{' and '.join(chosen) or 'nothing'} as the front end",
            expected=f"one of {', '.join(names)}",
            mend="Set the others to none, such as --set model.features=none.",
        )


def check_one(what: str, choice: Any) -> None:
    """Refuse a choice of parts unless exactly one is set."""
    names = [part.name for part in dataclasses.fields(choice)]
    chosen = [name for name in names if getattr(choice, name) is not None]
    if len(chosen) != 1:
        raise EarShotError(
            got=f"{' and '.join(chosen) or 'nothing'} as the {what}",
            expected=f"one of {', '.join(names)}",
            mend="Set the others to none, such as --set model.audio.htsat=none.",
        )


def build_sound_encoder(config: SoundEncoderConfig) -> SoundEncoder:
    """The model with random weights."""
    features = build_front_end(config)
    model = SoundEncoder(
        features=features,
        audio_encoder=build_audio(config.audio),
        sample_rate=features.config.sample_rate,
        window_s=config.window_s,
        fill=config.fill,
    )
    model.config = config
    return model


def log_mel_alone() -> SoundEncoder:
    """The log-mel of 16 kHz in 64 bands, and no encoder: the floor of every comparison."""
    audio = AudioTower(mels=MelFramesConfig(64))
    return build_sound_encoder(SoundEncoderConfig(audio, features=LogMelConfig.panns_16k()))


def build_front_end(config: Any) -> Any:
    """The front end that is set among `features`, `fbank` and `waveform` of a config."""
    with torch.device("cpu"):  # tables, not weights: they have values on the meta device too
        if config.fbank is not None:
            return KaldiFbank(config.fbank)
        if config.waveform is not None:
            return Waveform(config.waveform)
        return LogMel(config.features)


def build_audio(tower: AudioTower, trunk: Trunk | None = None) -> Any:
    """The audio encoder that is set; an agnostic one leads into `trunk`."""
    if tower.agnostic is not None:
        if trunk is None:
            raise EarShotError(
                got="an agnostic audio tower without a trunk",
                expected="the trunk that it shares with words",
                mend="Use it in a two-tower model, with model.trunk.",
            )
        return AgnosticEncoder(SpectrogramStem(tower.agnostic, trunk.config.dim), trunk)
    names = [part.name for part in dataclasses.fields(tower)]
    chosen = next(config for name in names if (config := getattr(tower, name)) is not None)
    return ENCODERS[type(chosen)](chosen)


def _panns(config: CnnConfig) -> PannsCnn:
    return PannsCnn(config) if config.decision is None else DecisionCnn(config)


ENCODERS: dict[type, Callable[[Any], Any]] = {
    HtsatConfig: Htsat,
    CnnConfig: _panns,
    WavegramConfig: WavegramCnn,
    StripTransformerConfig: StripTransformer,
    EarshotCnnConfig: EarshotCnn,
    WhisperConfig: WhisperSpeech,
    BeatsConfig: BeatsEncoder,
    SpectrogramTransformerConfig: SpectrogramTransformer,
    ConformerConfig: Conformer,
    Wav2Vec2EncoderConfig: Wav2Vec2Encoder,
    FrameEncoderConfig: FrameEncoder,
    TcnConfig: Tcn,
    MelFramesConfig: MelFrames,
    EatConfig: EatEncoder,
}
