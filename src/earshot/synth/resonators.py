"""Things that ring when struck or blown through: modes, formants, strings, clouds of drops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import lfilter

from earshot.synth.take import Take

VOWELS = {  # formant centres in Hz and their weights, an adult voice
    "a": ((730.0, 1090.0, 2440.0), (1.0, 0.6, 0.25)),
    "e": ((530.0, 1840.0, 2480.0), (1.0, 0.5, 0.3)),
    "i": ((270.0, 2290.0, 3010.0), (1.0, 0.4, 0.3)),
    "o": ((570.0, 840.0, 2410.0), (1.0, 0.5, 0.1)),
    "u": ((300.0, 870.0, 2240.0), (1.0, 0.3, 0.08)),
}


def modes(
    take: Take,
    hz: Sequence[float] | np.ndarray,
    tau_s: Sequence[float] | np.ndarray | float,
    gains: Sequence[float] | np.ndarray | None = None,
    attack_s: float = 0.001,
) -> np.ndarray:
    """A struck body: one dying sine per mode, each with its frequency, decay and weight."""
    hz = np.asarray(hz, dtype=np.float64)
    taus = np.broadcast_to(np.asarray(tau_s, dtype=np.float64), hz.shape)
    weights = np.ones(len(hz)) if gains is None else np.asarray(gains, dtype=np.float64)
    seconds = take.seconds()
    total = np.zeros(take.n_samples)
    for frequency, tau, weight, phase in zip(
        hz, taus, weights, take.rng.uniform(0, 2 * np.pi, len(hz)), strict=True
    ):
        if frequency >= take.top_hz:
            continue
        heard = min(take.n_samples, int(8 * tau * take.sample_rate) + 2)  # below -69 dB after that
        part = seconds[:heard]
        total[:heard] += weight * np.exp(-part / tau) * np.sin(2 * np.pi * frequency * part + phase)
    left = take.n_samples - 1 - np.arange(take.n_samples)
    ends = np.minimum(left / (0.004 * take.sample_rate), 1.0)
    return total * np.minimum(seconds / attack_s, 1.0) * ends


def formants(
    take: Take,
    source: np.ndarray,
    hz: Sequence[float],
    gains: Sequence[float] | None = None,
    width: float = 0.12,
) -> np.ndarray:
    """`source` through resonances side by side, each as wide as `width` of its centre."""
    total = np.zeros(len(source))
    for centre, gain in zip(hz, gains or [1.0] * len(hz), strict=True):
        if centre < take.top_hz:
            total += gain * resonance(take, source, centre, max(width * centre, 50.0))
    return total


def resonance(take: Take, source: np.ndarray, hz: float, width_hz: float) -> np.ndarray:
    """`source` through one two-pole resonance with about unit gain at its centre."""
    radius = np.exp(-np.pi * width_hz / take.sample_rate)
    angle = 2 * np.pi * min(hz, take.top_hz) / take.sample_rate
    poles = [1.0, -2 * radius * np.cos(angle), radius**2]
    return lfilter([(1 - radius), 0.0, -(1 - radius) * radius], poles, source)


def vowel(take: Take, source: np.ndarray, name: str, size: float = 1.0) -> np.ndarray:
    """`source` through the formants of a vowel; `size` above 1 is a smaller throat."""
    centres, gains = VOWELS[name]
    return formants(take, source, [size * centre for centre in centres], gains)


def string(take: Take, hz: float, damping: float = 0.996, brightness: float = 0.5) -> np.ndarray:
    """A plucked string: a burst of noise round a delay line that dulls it a little each turn.

    Source: Karplus and Strong, Computer Music Journal 7(2), 1983.
    """
    hz = min(hz, take.top_hz / 2)
    period = take.sample_rate / hz
    delay = int(period - brightness)
    share = min(max(period - delay, 0.05), 0.95)  # of the later of the two taps
    excitation = np.zeros(take.n_samples)
    burst = min(delay, take.n_samples)
    excitation[:burst] = take.rng.uniform(-1, 1, burst)
    loop = np.zeros(delay + 2)
    loop[0] = 1.0
    loop[delay], loop[delay + 1] = -damping * (1 - share), -damping * share
    left = take.n_samples - 1 - np.arange(take.n_samples)
    return lfilter([1.0], loop, excitation) * np.minimum(left / (0.01 * take.sample_rate), 1.0)


def drops(
    take: Take,
    times: np.ndarray,
    hz: np.ndarray | float,
    tau_s: np.ndarray | float,
    gains: np.ndarray | float = 1.0,
    rise: float = 0.0,
) -> np.ndarray:
    """Many short dying sines at once, each gliding up by `rise` of its frequency per tau.

    A bubble in water rings at a pitch that climbs as it nears the surface.
    Source: van den Doel, Physically-based models for liquid sounds, 2005.
    """
    count = len(times)
    hz, taus, weights = (
        np.broadcast_to(np.asarray(x, dtype=np.float64), (count,))[:, None]
        for x in (hz, tau_s, gains)
    )
    length = min(take.n_samples, int(6 * float(taus.max()) * take.sample_rate) + 2)
    seconds = np.arange(length)[None, :] / take.sample_rate  # [1, length]
    glide = hz * seconds * (1 + rise * seconds / (2 * taus))
    wave = weights * np.exp(-seconds / taus) * np.sin(2 * np.pi * glide)  # [count, length]
    wave *= hz < take.top_hz
    starts = np.round(np.asarray(times) * take.sample_rate).astype(int)
    starts = np.clip(starts, 0, take.n_samples)
    mix = np.zeros(take.n_samples + length)
    for start, grain in zip(starts, wave, strict=True):
        mix[start : start + length] += grain
    return mix[: take.n_samples]
