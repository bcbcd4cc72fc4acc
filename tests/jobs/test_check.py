"""A small model that knows the checked sounds passes; each way to break it is found and named."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.check import KINDS, TAKES, _sounds, check_model, mean_place
from earshot.synth import SOUNDS


def spectra(waveforms: list[np.ndarray]) -> np.ndarray:
    """Mean and spread of log band powers: [n, features]."""
    rows = []
    for waveform in waveforms:
        frames = np.lib.stride_tricks.sliding_window_view(waveform, 512)[::256] * np.hanning(512)
        power = np.abs(np.fft.rfft(frames)[:, 1:]) ** 2
        bands = np.log(power.reshape(len(power), 64, 4).sum(2) + 1e-6)
        rows.append(np.concatenate([bands.mean(0), bands.std(0), [1.0]]))
    return np.stack(rows)


@dataclasses.dataclass
class Model:
    """Ridge regression from spectra to kinds: the face of an Embedder, its towers aligned."""

    weights: np.ndarray
    sample_rate: int = 8_000
    window_s: float = 2.0
    scale: float = 20.0
    precision: str = "fp32"

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        names = [f"This is a sound of {SOUNDS[kind].nouns[0]}." for kind in KINDS]
        return np.eye(len(KINDS), dtype=np.float32)[[names.index(text) for text in texts]]

    def embed_waveforms(self, waveforms: list[np.ndarray]) -> np.ndarray:
        rows = spectra(waveforms) @ self.weights
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@cache
def trained(speed: float = 1.0) -> np.ndarray:
    """Weights for sounds of other seeds than the check's, heard at `speed`."""
    shape = Model(np.zeros(0))
    features = [spectra(_sounds(shape, seed, speed)) for seed in (100, 200)]
    target = np.tile(np.repeat(np.eye(len(KINDS)), TAKES, 0), (2, 1)) - 1 / len(KINDS)
    x = np.concatenate(features)
    return np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ target)


def failed(model: Model) -> dict[str, str]:
    return {finding.check: finding.words for finding in check_model(model) if not finding.ok}


def test_a_sound_model_passes_every_check() -> None:
    findings = check_model(Model(trained()))
    assert [finding.check for finding in findings if not finding.ok] == []
    assert {finding.check for finding in findings} >= {"towers_aligned", "sample_rate_right"}


class Shuffled(Model):
    def embed_texts(self, texts: list[str]) -> np.ndarray:
        order = np.random.default_rng(0).permutation(len(KINDS))
        return super().embed_texts(texts)[order] if len(texts) > 1 else super().embed_texts(texts)


class OneText(Model):
    def embed_texts(self, texts: list[str]) -> np.ndarray:
        rows = super().embed_texts(texts) * 0.01 + 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class OneSound(Model):
    def embed_waveforms(self, waveforms: list[np.ndarray]) -> np.ndarray:
        rows = super().embed_waveforms(waveforms) * 0.01 + 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Neighbours(Model):
    def embed_waveforms(self, waveforms: list[np.ndarray]) -> np.ndarray:
        rows = super().embed_waveforms(waveforms)
        return rows - 0.1 * rows.mean(0)


class Broken(Model):
    def embed_waveforms(self, waveforms: list[np.ndarray]) -> np.ndarray:
        raise EarShotError(got="NaN", expected="finite numbers", mend="Train again.")


@pytest.mark.parametrize(
    ("kind", "check", "word"),
    [
        (Shuffled, "towers_aligned", "not from one training"),
        (OneText, "texts_differ", "text tower is collapsed"),
        (OneSound, "sounds_differ", "audio tower is collapsed"),
        (Neighbours, "repeatable", "neighbours"),
        (Broken, "runs", "finite numbers"),
    ],
)
def test_each_fault_is_found_and_named(kind: type[Model], check: str, word: str) -> None:
    faults = failed(kind(trained()))
    assert check in faults
    assert word in faults[check]


@pytest.mark.parametrize(("speed", "word"), [(2.0, "at half the rate"), (0.5, "at twice the rate")])
def test_a_wrong_sample_rate_is_found(speed: float, word: str) -> None:
    faults = failed(Model(trained(speed)))
    assert word in faults["sample_rate_right"]


@pytest.mark.parametrize("scale", [0.07, 3_000.0, float("nan")])
def test_an_odd_scale_is_found(scale: float) -> None:
    assert "probabilities" in failed(Model(trained(), scale=scale))["scale_plausible"]


def test_mean_place_knows_first_last_and_chance() -> None:
    scores = np.repeat(np.eye(5), TAKES, 0)
    assert mean_place(scores) == 0.0
    assert mean_place(-scores) == 1.0
    assert mean_place(np.zeros((5 * TAKES, 5))) == pytest.approx(0.5)
