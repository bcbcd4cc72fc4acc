"""Sounds for the captioner: recordings and renderings bent, put together and heard by the ears.

All of it in log-mels, as `mixing` does: powers of mel bands add.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

from caption_kinds import KINDS, MUSIC, NOISE, SPEECH, kind_of
from earshot.audio import read_audio, resample
from earshot.core.seed import generator
from earshot.models.halves import halves_of_frames
from earshot.models.two_tower import TwoTower
from earshot.synth.invented import InventedConfig, invented_clips
from earshot.synth.render import render_sound, render_with
from earshot.synth.sounds import SOUNDS
from earshot.synth.tunes import TuneConfig, tunes
from earshot.synth.voices import SPEAKERS
from sounds import LANGUAGES, RATE, Hearing, Sound, rows_of

FRAMES_S = 100  # frames of a log-mel in a second
MOST = 990  # frames: what the ears hear at once
FLOOR = 1e-10  # power of a band without sound
EDGES_HZ = (4_000.0, 8_000.0)  # above which recordings at 8 and 16 kHz have nothing
SPEAKER_ASIDE = {"yweweler": "test", "theo": "val"}  # of the digits
UNKNOWN = ""  # the kind of sounds that have no name
Event = tuple[str, int, int]  # kind, first frame, frame after the last


@dataclass(frozen=True)
class Piece:
    """One recording or rendering of a kind, and where it may be used."""

    kind: str
    origin: str  # as Sound's, or "made", "unknown"
    split: str  # train, val or test
    mels: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Scene:
    """A log-mel [n_mels, frames] in dB and what there is to hear in it."""

    log_mel: np.ndarray
    events: tuple[Event, ...]
    relation: str  # single, then, while, three, unknown, silence
    is_real: bool  # of recordings alone


def half_of(key: str) -> str:
    """val or test, for what is set aside."""
    return ("val", "test")[int(hashlib.sha256(f"half {key}".encode()).hexdigest(), 16) % 2]


def pieces_of(sounds: Sequence[Sound], fold: int) -> list[Piece]:
    """The sounds of earshot-small that have a kind; the fold and the quarter set aside."""
    found = []
    for sound in sounds:
        kind = kind_of(sound.concept)
        if kind is None:
            continue
        split = "train"
        aside = (sound.origin == "esc10" and sound.fold == fold) or (
            sound.origin == "instruments" and sound.quarter() == fold - 1
        )
        if aside:
            split = half_of(sound.key)
        elif sound.origin == "digits":
            split = next((s for who, s in SPEAKER_ASIDE.items() if who in sound.key), "train")
            split = split if split == "train" else "heard"  # the ears had these takes: unused
        elif sound.origin == "speech":
            split = speech_split(sound.key) if sound.quarter() < 2 else "train"
            split = split if split == "train" else "heard"
        found.append(Piece(kind, sound.origin, split, sound.mels))
    return [piece for piece in found if piece.split != "heard"]


def speech_split(key: str) -> str:
    """By what is said: half is taught, a quarter each is for choosing and for the test."""
    part = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 4
    return ("test", "val", "train", "train")[part]


def unheard_speech(data: Path) -> Iterator[Piece]:
    """Digits and phrases that earshot-small was not taught."""
    hearing = Hearing()

    def piece(path: Path, origin: str, split: str) -> Piece:
        waveform = read_audio(path, sample_rate=RATE, duration_s=9.0).waveform
        return Piece(SPEECH, origin, split, (hearing.log_mel(waveform),))

    for row in rows_of(data / "fsdd"):
        if int(row["take"]) % 10 == 1:
            split = SPEAKER_ASIDE.get(row["speaker"], "train")
            yield piece(data / "fsdd" / row["path"], "digits", split)
    stamps = rows_of(data / "stamps")
    for language in LANGUAGES:
        for row in [row for row in stamps if language in row["speech_langs"].split()][8::16]:
            path = data / "stamps" / "speech" / language / f"{row['id']}.ogg"
            yield piece(path, "speech", speech_split(row["id"]))


def made_pieces(seed: int, n_takes: int, split: str) -> Iterator[Piece]:
    """Renderings at 16 kHz of every kind, of voices, tunes, noises, and sounds without a name."""
    hearing = Hearing()

    def piece(kind: str, origin: str, waveform: np.ndarray, rate: int) -> Piece:
        return Piece(kind, origin, split, (hearing.log_mel(resample(waveform, rate, RATE)),))

    for name in SOUNDS:
        for take in range(n_takes):
            rng = generator(seed, name, take, "captioner")
            length = None if rng.random() < 0.5 else float(rng.uniform(1.0, 6.0))
            drawn = int(rng.integers(2**31))
            yield piece(name, "made", render_sound(name, duration_s=length, seed=drawn), 16_000)
    for take in range(4 * n_takes):
        rng = generator(seed, "voice", take)
        speaker = SPEAKERS[("man", "woman")[take % 2]]
        yield piece(SPEECH, "made", render_with(speaker, {}, None, 16_000, rng), 16_000)
    for made in tunes(5 * n_takes, seed, TuneConfig()):
        waveform = made.waveform[: 8 * made.sample_rate]
        yield piece(MUSIC, "made", waveform, made.sample_rate)
    for take in range(4 * n_takes):
        rng = generator(seed, "noise", take)
        yield Piece(NOISE, "made", split, (noise_of(rng, int(rng.integers(100, 800)))[0],))
    for clip in invented_clips(seed, InventedConfig())[: 10 * n_takes]:
        audio = clip.read()
        yield piece(UNKNOWN, "unknown", audio.waveform, audio.sample_rate)


def noise_of(rng: np.random.Generator, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise that goes on, of some colour: in dB, and its power [n_mels, frames] of mean 1."""
    bands = np.linspace(0, 1, 64)[:, None]
    profile = 10 ** ((rng.uniform(-25, 8) * bands + rng.normal(0, 1.0, (64, 1))) / 10)
    power = profile * rng.gamma(4.0, 0.25, (64, n_frames))
    power /= power.mean()
    return (10 * np.log10(power) - 25).astype(np.float16), power


def power_of(log_mel: np.ndarray) -> np.ndarray:
    """[n_mels, frames] of a log-mel in dB, cut to where something is heard."""
    power = 10 ** (log_mel.astype(np.float32) / 10)
    level = power.mean(0)
    heard = np.flatnonzero(level >= level.max() * 1e-5)
    return power[:, heard[0] : heard[-1] + 1]


def bent(piece: Piece, longest: int, rng: np.random.Generator) -> np.ndarray:
    """The power [n_mels, frames] of a piece, at another speed and colour, at most so long."""
    power = power_of(piece.mels[rng.integers(len(piece.mels))])
    if power.shape[1] > longest:
        begin = int(rng.integers(power.shape[1] - longest))
        power = power[:, begin : begin + longest]
    bands = np.linspace(-1, 1, len(power))[:, None]
    power = power * 10 ** (rng.uniform(-4, 4) * bands / 10)
    if rng.random() < 0.2:  # a room: what was heard dies away
        decay = 10 ** (-6 / (FRAMES_S * rng.uniform(0.2, 0.9)))
        power = power + rng.uniform(0.02, 0.2) * lfilter([1.0], [1.0, -decay], power, axis=1)
    level = power.mean(0)
    active = level[level >= level.max() * 1e-3]
    return power / max(float(active.mean()), FLOOR)


class Mixer:
    """Draws pieces of one split and puts them together."""

    def __init__(self, pieces: Sequence[Piece], edges: Sequence[int]) -> None:
        self.edges = edges  # bands from which on recordings at lower rates are empty
        self.shelves: dict[str, dict[str, list[Piece]]] = {}
        for piece in pieces:
            shelf = self.shelves.setdefault(piece.origin, {})
            shelf.setdefault(piece.kind, []).append(piece)

    def piece(self, rng: np.random.Generator, origins: dict[str, float]) -> Piece:
        """One, its shelf by weight, its kind evenly."""
        names = [name for name in origins if name in self.shelves]
        weights = np.array([origins[name] for name in names])
        shelf = self.shelves[names[rng.choice(len(names), p=weights / weights.sum())]]
        kinds = list(shelf)
        found = shelf[kinds[rng.integers(len(kinds))]]
        return found[rng.integers(len(found))]

    def scene(self, rng: np.random.Generator, origins: dict[str, float]) -> Scene:
        """One to three different kinds, alone, one after the other, or at once."""
        relation = str(rng.choice(["single", "then", "while", "three"], p=[0.46, 0.27, 0.23, 0.04]))
        if rng.random() < 0.04:
            relation = "unknown" if UNKNOWN in self.shelves.get("unknown", {}) else "single"
        if rng.random() < 0.01:
            return Scene(np.full((64, 300), -100.0, np.float16), (), "silence", False)
        if relation == "unknown":
            piece = self.shelves["unknown"][UNKNOWN][
                rng.integers(len(self.shelves["unknown"][UNKNOWN]))
            ]
            return self.finished(bent(piece, 600, rng), (), relation, rng, False)
        count = {"single": 1, "three": 3}.get(relation, 2)
        pieces: list[Piece] = []
        while len(pieces) < count:
            piece = self.piece(rng, origins)
            if count > 1 and not may_be_together(piece, pieces):
                continue
            pieces.append(piece)
        longest = {1: MOST - 100, 2: 480, 3: 300}[count]
        powers = [bent(p, int(rng.uniform(0.5, 1.0) * longest), rng) for p in pieces]
        powers = [p * 10 ** (rng.uniform(-4, 4) / 10) for p in powers]
        power, events = placed(pieces, powers, relation, rng)
        is_real = all(p.origin not in ("made", "unknown") for p in pieces)
        return self.finished(power, events, relation, rng, is_real)

    def finished(
        self,
        power: np.ndarray,
        events: tuple[Event, ...],
        relation: str,
        rng: np.random.Generator,
        is_real: bool,
    ) -> Scene:
        """With silence round it, noise under it and its band cut, for some."""
        if rng.random() < 0.3:
            before, after = (int(rng.integers(1, 80)) for _ in range(2))
            power = np.pad(power, ((0, 0), (before, after)))
            events = tuple((kind, a + before, b + before) for kind, a, b in events)
        power = power[:, :MOST]
        if rng.random() < 0.6:
            hiss = noise_of(rng, power.shape[1])[1]
            power = power + hiss * 10 ** (-rng.uniform(10, 40) / 10)
        if rng.random() < 0.4:
            edge = self.edges[int(rng.random() < 0.75)]
            power = power.copy()
            power[edge:] *= 1e-7
        return Scene((10 * np.log10(power + FLOOR) - 25).astype(np.float16), events, relation,
                     is_real)  # fmt: skip


def may_be_together(piece: Piece, others: Sequence[Piece]) -> bool:
    """Whether a kind can be told beside those that are there."""
    broad = {NOISE, "white noise", "pink noise", "bird", "animal", MUSIC}
    taken = {other.kind for other in others}
    return piece.kind not in taken and not (piece.kind in broad and bool(taken & broad))


def placed(
    pieces: Sequence[Piece], powers: Sequence[np.ndarray], relation: str, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[Event, ...]]:
    """The powers added, and from when to when each is there."""
    begins = [0]
    for before, power in zip(powers, powers[1:], strict=False):
        if relation == "while":
            room = before.shape[1] - power.shape[1]
            begins.append(int(rng.integers(room + 1)) if room > 0 else 0)
        else:
            begins.append(begins[-1] + before.shape[1] + int(rng.integers(-15, 60)))
    begins = [max(begin, 0) for begin in begins]
    ends = [begin + power.shape[1] for begin, power in zip(begins, powers, strict=True)]
    total = np.zeros((len(powers[0]), max(ends)), np.float32)
    for begin, end, power in zip(begins, ends, powers, strict=True):
        total[:, begin:end] += power
    spans = zip(pieces, begins, ends, strict=True)
    return total, tuple((piece.kind, begin, end) for piece, begin, end in spans)


def edge_bands() -> list[int]:
    """The first mel bands that lie above EDGES_HZ."""
    noise = generator(0, "edges").normal(0, 0.1, 2 * RATE).astype(np.float32)
    full = power_of(Hearing().log_mel(noise)).mean(1)
    found = []
    for hz in EDGES_HZ:
        low = resample(resample(noise, RATE, int(2 * hz)), int(2 * hz), RATE)
        share = power_of(Hearing().log_mel(low)).mean(1) / full
        found.append(int(np.flatnonzero(share < 0.1 * share.max())[0]))
    return found


@torch.inference_mode()
def heard(
    ears: TwoTower, log_mels: Sequence[np.ndarray], batch: int = 16, *, exact: bool = False
) -> Tensor:
    """What the ears make of each, whole and in halves, [scenes, 3, dim] in half precision.

    In bf16 unless `exact`.
    """
    order = sorted(range(len(log_mels)), key=lambda i: log_mels[i].shape[1])
    rows: list[Tensor] = [torch.empty(0)] * len(log_mels)
    for start in range(0, len(order), batch):
        taken = order[start : start + batch]
        n_frames = torch.tensor([log_mels[i].shape[1] for i in taken])
        stacked = torch.full((len(taken), 64, int(n_frames.max())), -100.0)
        for row, i in enumerate(taken):
            stacked[row, :, : n_frames[row]] = torch.from_numpy(log_mels[i].astype(np.float32))
        with torch.autocast("cpu", torch.bfloat16, enabled=not exact):
            made = halves_of_frames(ears, stacked, n_frames)
        for row, i in enumerate(taken):
            rows[i] = made[row].half()
    return torch.stack(rows)


__all__ = ["KINDS", "Mixer", "Piece", "Scene", "edge_bands", "heard", "made_pieces", "pieces_of",
           "unheard_speech"]  # fmt: skip
