"""Loudness over time, and when things happen: decays, swells, regular beats, scattered times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earshot.synth.take import Take


def decay(take: Take, tau_s: float, attack_s: float = 0.002) -> np.ndarray:
    """Rises in `attack_s`, then falls by a factor e every `tau_s`; ends at exactly nothing."""
    seconds = take.seconds()
    rise = np.minimum(seconds / max(attack_s, 1e-4), 1.0)
    return rise * np.exp(-seconds / tau_s) * _closing(take, 0.004)


def swell(take: Take, attack_s: float, release_s: float) -> np.ndarray:
    """Raised-cosine rise and fall with a plateau of 1 between them."""
    room = take.duration_s
    share = min(1.0, room / max(attack_s + release_s, 1e-6))
    seconds = take.seconds()
    rise = np.clip(seconds / max(attack_s * share, 1e-4), 0, 1)
    fall = np.clip((room - seconds) / max(release_s * share, 1e-4), 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))


def hump(take: Take, peak: float = 0.5, sharpness: float = 1.0) -> np.ndarray:
    """One rise to 1 at the share `peak` of the take, and one fall to nothing."""
    place = np.arange(take.n_samples) / max(take.n_samples - 1, 1)
    warped = np.where(place < peak, place / peak, (1 - place) / (1 - peak))
    return (0.5 - 0.5 * np.cos(np.pi * np.clip(warped, 0, 1))) ** sharpness


def contour(take: Take, points: Sequence[float] | np.ndarray) -> np.ndarray:
    """A curve through `points`, evenly spaced over the take, straight between them."""
    return np.interp(
        np.linspace(0, len(points) - 1, take.n_samples), np.arange(len(points)), points
    )


def beats(take: Take, rate_hz: float, jitter: float = 0.06, room_s: float = 0.05) -> np.ndarray:
    """Times of a steady repeat at `rate_hz * take.speed`, each off by a share `jitter`; the first
    is near 0 and the last leaves `room_s` before the end. There is always at least one."""
    step = 1.0 / (rate_hz * take.speed)
    last = max(take.duration_s - room_s, 0.0)
    times = np.arange(0.0, last + 1e-9, step)
    shifts = take.rng.uniform(-jitter, jitter, len(times)) * step
    return np.clip(times + shifts, 0.0, last)


def scatter(take: Take, rate_hz: float, room_s: float = 0.03) -> np.ndarray:
    """Random times, `rate_hz * take.speed` a second on average, sorted; at least one."""
    last = max(take.duration_s - room_s, 1e-3)
    count = max(1, int(take.rng.poisson(rate_hz * take.speed * last)))
    return np.sort(take.rng.uniform(0.0, last, count))


def place(
    take: Take, times: np.ndarray | Sequence[float], grains: Sequence[np.ndarray]
) -> np.ndarray:
    """Grain i starts at time i; what would pass the end is cut with a short fade."""
    mix = np.zeros(take.n_samples)
    for time, grain in zip(times, grains, strict=False):
        start = round(float(time) * take.sample_rate)
        piece = np.array(grain[: max(take.n_samples - start, 0)], dtype=np.float64)
        if 0 < len(piece) < len(grain):
            fade = min(len(piece), take.sample_rate // 200)
            piece[-fade:] *= np.linspace(1, 0, fade)
        mix[start : start + len(piece)] += piece
    return mix


def _closing(take: Take, release_s: float) -> np.ndarray:
    left = (take.n_samples - 1 - np.arange(take.n_samples)) / take.sample_rate
    return np.minimum(left / release_s, 1.0)
