"""Encoders as AutoTCL's code saves them: a temporal convolution network, averaged or not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.tcn import Tcn, TcnConfig
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.layers.tcn_trunk import TcnTrunkConfig
from earshot.models.load_report import LoadReport
from earshot.models.loading.weights import Placement
from earshot.models.sound_encoder import SoundEncoder

MARK = "input_fc.weight"
BLOCK = re.compile(r"feature_extractor\.net\.(\d+)\.conv1\.conv\.weight")
WRAPPED, AVERAGED = "module.", "n_averaged"  # of torch's AveragedModel


def is_autotcl(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of AutoTCL's encoder, with or without "module." before them."""
    state = {name.removeprefix(WRAPPED): tensor for name, tensor in state.items()}
    return MARK in state and any(BLOCK.fullmatch(name) for name in state)


def load_autotcl(state: Mapping[str, Tensor], path: Path) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of such a file, over log-mels of as many bands as it has input channels.

    The file holds sizes and weights but no word on what its channels were: the front end is a
    log-mel of 16 kHz, and what it is standardised by is ours. For other series take
    `model.audio_encoder`. Keys of CoST's other branches, and heads, are reported as unexpected.
    """
    state = {name.removeprefix(WRAPPED): tensor for name, tensor in state.items()}
    config = tcn_sizes(state, path)
    features = LogMelConfig(
        sample_rate=16_000, n_fft=512, hop_length=160, n_mels=config.n_features, f_max=8_000.0
    )
    model = SoundEncoder(
        features=LogMel(features),
        audio_encoder=Tcn(config),
        sample_rate=features.sample_rate,
        window_s=10.0,
    )
    placement = Placement()
    for name, tensor in state.items():
        placement.put(name, {} if name == AVERAGED else {f"audio_encoder.{name}": tensor})
    missing = placement.place_into(model, path)
    unexpected = tuple(name for name in placement.unexpected if name != AVERAGED)
    report = LoadReport(
        source=str(path),
        kind=f"AutoTCL encoder of {config.n_features} channels"
        + (", averaged" if AVERAGED in state else ""),
        renamed=placement.renamed,
        missing=missing,
        unexpected=unexpected,
        notes=("the file does not say what its channels are: log-mel bands are taken for them",),
    )
    return model.eval(), report


def tcn_sizes(state: Mapping[str, Tensor], path: Path) -> TcnConfig:
    """The sizes that the shapes of such a state dict tell; each of its kernels is read off too."""
    blocks = sorted(int(found[1]) for name in state if (found := BLOCK.fullmatch(name)))
    taps = {int(name.split(".")[1]): state[name] for name in state if _is_tap(name)}
    last = state.get(f"feature_extractor.net.{blocks[-1]}.conv2.conv.weight")
    is_whole = blocks == list(range(len(blocks))) and sorted(taps) == list(range(len(taps)))
    if last is None or last.ndim != 3 or state[MARK].ndim != 2 or not is_whole:
        raise EarShotError(
            got=f"{path} with blocks {blocks} and causal convolutions {sorted(taps)}",
            expected="all of them, counted from 0, each with its weights",
            mend="The file is incomplete or of another model.",
        )
    width, n_features = state[MARK].shape
    return TcnConfig(
        n_features=n_features,
        trunk=TcnTrunkConfig(
            width=width,
            depth=len(blocks) - 1,
            dim=len(last),
            kernel=last.shape[2],
            causal_kernels=tuple(taps[i].shape[-1] for i in range(len(taps))),
        ),
        center=-50.0,  # of log-mels in dB
        spread=20.0,
    )


def _is_tap(name: str) -> bool:
    return re.fullmatch(r"tfd\.\d+\.weight", name) is not None
