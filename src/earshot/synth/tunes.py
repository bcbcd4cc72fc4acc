"""Tunes with a known beat grid, tempo, metre, key, chords and instruments, and true captions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.synth import fluidsynth, own_band
from earshot.synth.players import PLAYERS
from earshot.synth.render import RATES
from earshot.synth.scores import DRUMS, Chord, Score, write_score

PEAK = 0.8
SLOW_BPM, FAST_BPM = 90, 122  # at and below: slow; at and above: fast
TEMPLATES = (
    "{a_tempo} tune in {key} played by {players}",
    "{players} playing {a_tempo} piece in {metre} time",
    "{a_tempo} piece of music with {players}",
    "music with {players} at about {bpm} beats per minute",
    "{a_tempo} {mode} tune for {players}",
    "{players} at {tempo} tempo",
    "an instrumental in {key} with {players}",
    "an instrumental piece for {players} in {metre} time",
    "{a_tempo} rhythm of about {bpm} beats per minute, played by {players}",
    "music in {key}: {players} at {tempo} tempo",
    "a {mode} piece with {players}, {tempo} in pace",
    "we hear {players} in {a_tempo} tune",
    "{players} and nothing else, about {bpm} beats a minute",
    "a passage of {players} in {key} at {bpm} beats per minute",
)


@dataclass(frozen=True)
class TuneConfig:
    """How tunes are drawn."""

    sample_rate: int = 16_000  # Hz, 8 000 to 48 000
    duration_s: float = 8.0
    tempo_bpm: tuple[int, int] = (70, 150)  # whole beats a minute, both ends included
    metres: tuple[int, ...] = (4, 4, 3)  # beats in a bar, drawn evenly
    drums: float = 0.7  # share of tunes with drums
    bass: float = 0.7
    chords: float = 0.8
    voice: Literal["auto", "fluidsynth", "own"] = "auto"  # auto: fluidsynth where installed
    n_captions: int = 5

    def __post_init__(self) -> None:
        low, high = self.tempo_bpm
        for wrong, got, expected in (
            (not RATES[0] <= self.sample_rate <= RATES[1], f"sample_rate={self.sample_rate} Hz",
             f"{RATES[0]} to {RATES[1]} Hz"),
            (not 1 <= self.duration_s <= 600, f"duration_s={self.duration_s:g}", "1 to 600 s"),
            (not 30 <= low <= high <= 300, f"tempo_bpm={self.tempo_bpm}",
             "(slowest, fastest) within 30 to 300"),
            (not self.metres or not set(self.metres) <= {2, 3, 4, 5, 6}, f"metres={self.metres}",
             "one or more of 2, 3, 4, 5, 6"),
            (not 1 <= self.n_captions <= len(TEMPLATES), f"n_captions={self.n_captions}",
             f"1 to {len(TEMPLATES)}"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that setting.")


@dataclass(frozen=True)
class Tune:
    """A piece of music and all that is true of it."""

    waveform: np.ndarray  # [samples] float32 in [-1, 1]
    sample_rate: int
    tempo_bpm: float
    metre: int  # beats in a bar
    key: str
    beats_s: np.ndarray  # [beats]
    downbeats_s: np.ndarray  # [bars]
    chords: tuple[Chord, ...]
    instruments: tuple[str, ...]
    captions: tuple[str, ...]
    voice: str  # "fluidsynth" or "own"


def tune(seed: int, config: TuneConfig | None = None, index: int = 0) -> Tune:
    """Tune `index` of a seed: the same whatever others are made, for the same voice.

    Raises EarShotError when voice="fluidsynth" and it, or a soundfont, is missing.
    """
    config = config or TuneConfig()
    rng = generator(seed, index, "tune")
    tempo = int(rng.integers(config.tempo_bpm[0], config.tempo_bpm[1] + 1))
    metre = int(rng.choice(config.metres))
    score = write_score(config.duration_s, tempo, metre, _draw_parts(config, rng), rng)
    captions = _captions(score, config.n_captions, rng)
    voice = config.voice
    if voice == "auto":
        voice = "fluidsynth" if fluidsynth.fluidsynth_works() else "own"
    if voice == "fluidsynth":
        waveform = fluidsynth.play(score, config.duration_s, config.sample_rate)
    else:
        waveform = own_band.play(score, config.duration_s, config.sample_rate, rng)
    waveform = PEAK * waveform / (np.max(np.abs(waveform)) + 1e-9)
    return Tune(
        waveform=waveform.astype(np.float32),
        sample_rate=config.sample_rate,
        tempo_bpm=score.tempo_bpm,
        metre=score.metre,
        key=score.key,
        beats_s=score.beats_s,
        downbeats_s=score.downbeats_s,
        chords=score.chords,
        instruments=score.instruments,
        captions=captions,
        voice=voice,
    )


def tunes(n: int, seed: int, config: TuneConfig | None = None) -> Iterator[Tune]:
    """Tunes 0 to n - 1 of a seed."""
    return (tune(seed, config, index) for index in range(n))


def _draw_parts(config: TuneConfig, rng: np.random.Generator) -> dict[str, str]:
    """Which instrument plays which part; there is always a melody, and something on the beat."""
    able = {
        part: [name for name, player in PLAYERS.items() if part in player.parts]
        for part in ("melody", "chords", "bass")
    }
    parts = {"melody": str(rng.choice(able["melody"]))}
    for part, share in (("chords", config.chords), ("bass", config.bass)):
        others = [name for name in able[part] if name not in parts.values()]
        name = str(rng.choice(others))
        if rng.random() < share:
            parts[part] = name
    if rng.random() < config.drums:
        parts[DRUMS] = DRUMS
    return parts


def _captions(score: Score, n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """`n` sentences, each by another template."""
    chosen = rng.permutation(len(TEMPLATES))[:n]
    bpm = score.tempo_bpm
    tempo = "slow" if bpm <= SLOW_BPM else "fast" if bpm >= FAST_BPM else "moderate"
    sentences = []
    for template in (TEMPLATES[i] for i in chosen):
        sentence = template.format(
            a_tempo=f"a {tempo}",
            tempo=tempo,
            key=score.key,
            mode=score.key.split()[-1],
            metre={2: "two-four", 3: "three-four", 4: "four-four", 5: "five-four", 6: "six-four"}[
                score.metre
            ],
            bpm=round(bpm),
            players=_listed(list(score.instruments)),
        )
        sentences.append(sentence[0].upper() + sentence[1:])
    return tuple(sentences)


def _listed(names: list[str]) -> str:
    """ "piano, bass guitar and drums" """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
