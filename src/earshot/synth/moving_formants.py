"""A voice whose formants move: buzz and noise through a filter that changes every 5 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from earshot.synth import noise, oscillators
from earshot.synth.formant_voice import Sound, Speaker
from earshot.synth.take import Take

HOP_S = 0.005
WINDOW = 4  # hops a window: 20 ms
GAINS = (1.0, 0.6, 0.3)  # of the three formants
WIDTHS_HZ = (90.0, 120.0, 180.0)
GLIDE_S = 0.03  # formants pass from one sound to the next in this time ...
ONSET_S = 0.015  # ... and loudness in this
CLOSED = 0.6  # of a burst: silence before it


@dataclass(frozen=True)
class Held:
    """One sound of an utterance: what it is, and for how many hops of 5 ms."""

    sound: Sound
    n_hops: int


def render(take: Take, held: list[Held], speaker: Speaker, pitch: np.ndarray) -> np.ndarray:
    """The sounds one after another, [n_samples], not levelled.

    `pitch` [n_samples] is a factor on the speaker's own. `take` is as long as the sounds together;
    labels are exact: a sound begins at its hop, and half of each glide lies in it.
    """
    buzz = oscillators.saw(take, speaker.pitch_hz * pitch) + speaker.breath * noise.white(take)
    hiss = noise.white(take)
    hop = round(HOP_S * take.sample_rate)
    size = WINDOW * hop
    bins_hz = np.fft.rfftfreq(size, 1 / take.sample_rate).astype(np.float32)
    voiced, noisy = _filters(held, speaker, bins_hz)
    voiced, noisy = (np.pad(f, ((WINDOW, WINDOW), (0, 0)), mode="edge") for f in (voiced, noisy))
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
    padded = np.pad(np.stack([buzz, hiss]), ((0, 0), (size, size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    n = frames.shape[1]  # the frame at n hops is centred half a window later
    middle = slice(WINDOW // 2, WINDOW // 2 + n)
    grid = [np.pad(f, ((0, WINDOW), (0, 0)), mode="edge")[middle] for f in (voiced, noisy)]
    spectrum = np.fft.rfft((frames * window).astype(np.float32), axis=2)  # [2, frames, bins]
    out = np.fft.irfft(spectrum[0] * grid[0] + spectrum[1] * grid[1], size, axis=1) * window
    total = np.zeros((n + WINDOW) * hop)
    for part in range(WINDOW):  # overlap-add, a quarter window at a time
        piece = out[:, part * hop : (part + 1) * hop].ravel()
        total[part * hop : part * hop + len(piece)] += piece
    return total[size : size + take.n_samples] / (WINDOW / 2)


def _filters(
    held: list[Held], speaker: Speaker, bins_hz: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How much of each bin passes of buzz and of noise: twice [hops, bins]."""
    counts = [each.n_hops for each in held]
    sounds = [each.sound for each in held]
    formants = np.log([[speaker.size * f for f in s.formants_hz] for s in sounds])  # [sounds, 3]
    bands = np.log([s.noise_hz for s in sounds])  # [sounds, 2]
    places = np.repeat(np.concatenate([formants, bands], 1), counts, axis=0)  # [hops, 5]
    gains = np.repeat([[s.voiced, s.noisy] for s in sounds], counts, axis=0)  # [hops, 2]
    start = 0
    for each in held:
        if each.sound.burst:
            release = start + round(CLOSED * each.n_hops)
            gains[start:release] *= (0.3, 0.0)
            after = np.arange(start + each.n_hops - release) * HOP_S
            gains[release : start + each.n_hops, 1] *= 2.0 * np.exp(-after / 0.012)
        start += each.n_hops
    places = uniform_filter1d(places, round(GLIDE_S / HOP_S), axis=0, mode="nearest")
    gains = uniform_filter1d(gains, round(ONSET_S / HOP_S), axis=0, mode="nearest")
    centres, edges = np.exp(places[:, :3]), np.exp(places[:, 3:])
    voiced = np.zeros((len(places), len(bins_hz)), dtype=np.float32)
    for i, (gain, width) in enumerate(zip(GAINS, WIDTHS_HZ, strict=True)):
        away = (bins_hz[None] - centres[:, i, None]) / (width / 2 * speaker.size)
        voiced += gain / np.sqrt(1 + away**2)
    low, high = edges[:, :1], edges[:, 1:]
    steep = 0.15 * np.sqrt(low * high)
    band = 1 / (1 + np.exp(-np.clip((bins_hz - low) / steep, -30, 30)))
    band = band / (1 + np.exp(np.clip((bins_hz - high) / steep, -30, 30)))
    return voiced * gains[:, :1], (band * gains[:, 1:]).astype(np.float32)
