"""A short piece of music on a known grid: its notes, chords, beats and bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PITCHES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
MODES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS = {  # scale degrees, one a bar
    "major": ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 6), (0, 3, 0, 6)),
}
DRUMS = "drums"
KICK, SNARE, HAT = 36, 38, 42  # General MIDI's keys of its drum channel
BASS_LOW, CHORD_LOW, MELODY_LOW = 36, 52, 67  # MIDI notes where each part begins


@dataclass(frozen=True)
class Note:
    """One note; `pitch` is a MIDI number, a drum's key for drums; `velocity` is 1 to 127."""

    instrument: str
    start_s: float
    duration_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Chord:
    """A chord name such as "A minor" from `start_s` on."""

    start_s: float
    name: str


@dataclass(frozen=True)
class Score:
    """All that is known of a tune before it sounds."""

    tempo_bpm: float
    metre: int  # beats in a bar
    key: str  # "A minor"
    beats_s: np.ndarray  # [beats]
    downbeats_s: np.ndarray  # [bars], the first beats of bars
    chords: tuple[Chord, ...]
    instruments: tuple[str, ...]
    notes: tuple[Note, ...]


def write_score(
    duration_s: float,
    tempo_bpm: float,
    metre: int,
    parts: dict[str, str],
    rng: np.random.Generator,
) -> Score:
    """A score of `duration_s` seconds; `parts` names the instrument of melody, chords and bass,
    and "drums" for drums; any may be missing. The first beat falls within one beat of the start."""
    beat_s = 60.0 / tempo_bpm
    first = float(rng.uniform(0.0, beat_s))
    beats = np.arange(first, duration_s - 0.02, beat_s)
    into_bar = int(rng.integers(metre))  # the first beat is this one of its bar
    places = (np.arange(len(beats)) + into_bar) % metre
    tonic, mode = int(rng.integers(12)), str(rng.choice(list(MODES)))
    progression = PROGRESSIONS[mode][int(rng.integers(4))]
    bars = (np.arange(len(beats)) + into_bar) // metre
    notes: list[Note] = []
    chords: list[Chord] = []
    degree_before = 0
    for beat, (start, place, bar) in enumerate(zip(beats, places, bars, strict=True)):
        degree = progression[bar % 4]
        triad = [_pitch(tonic, mode, degree + step) for step in (0, 2, 4)]
        if place == 0 or beat == 0:
            chords.append(Chord(float(start), _chord_name(triad)))
        left = min(beat_s, duration_s - start)
        notes += _drum_beat(parts, float(start), left, int(place), metre)
        notes += _harmony(parts, float(start), left, int(place), triad)
        degree_before, line = _melody(parts, float(start), left, tonic, mode, degree,
                                      degree_before, rng)  # fmt: skip
        notes += line
    return Score(
        tempo_bpm=tempo_bpm,
        metre=metre,
        key=f"{PITCHES[tonic]} {mode}",
        beats_s=beats,
        downbeats_s=beats[places == 0],
        chords=tuple(chords),
        instruments=tuple(dict.fromkeys(parts.values())),
        notes=tuple(notes),
    )


def _pitch(tonic: int, mode: str, degree: int) -> int:
    """Semitones above C of a scale degree, which may lie beyond the octave."""
    octave, place = divmod(degree, 7)
    return tonic + 12 * octave + MODES[mode][place]


def _chord_name(triad: list[int]) -> str:
    kind = {(4, 3): "major", (3, 4): "minor", (3, 3): "diminished"}
    return f"{PITCHES[triad[0] % 12]} {kind[triad[1] - triad[0], triad[2] - triad[1]]}"


def _fold(pitch: int, low: int) -> int:
    """The pitch in the octave that begins at the MIDI note `low`."""
    return low + (pitch - low) % 12


def _drum_beat(
    parts: dict[str, str], start: float, beat_s: float, place: int, metre: int
) -> list[Note]:
    """Kick on the first beat of a bar (and the third of four), snare on others, hats on halves."""
    if DRUMS not in parts.values():
        return []
    low = place == 0 or (metre == 4 and place == 2)
    notes = [Note(DRUMS, start, 0.3, KICK if low else SNARE, 118 if place == 0 else 96)]
    half = start + beat_s / 2
    return [*notes, Note(DRUMS, start, 0.1, HAT, 60), Note(DRUMS, half, 0.1, HAT, 44)]


def _harmony(
    parts: dict[str, str], start: float, beat_s: float, place: int, triad: list[int]
) -> list[Note]:
    """Bass on every beat, root and fifth in turn; the chord struck on every beat."""
    notes = []
    if bass := parts.get("bass"):
        pitch = _fold(triad[0] if place % 2 == 0 else triad[2], BASS_LOW)
        notes.append(Note(bass, start, 0.9 * beat_s, pitch, 100 if place == 0 else 84))
    if player := parts.get("chords"):
        velocity = 84 if place == 0 else 64
        notes += [
            Note(player, start, 0.9 * beat_s, _fold(pitch, CHORD_LOW), velocity) for pitch in triad
        ]
    return notes


def _melody(
    parts: dict[str, str], start: float, beat_s: float, tonic: int, mode: str, chord: int,
    before: int, rng: np.random.Generator,
) -> tuple[int, list[Note]]:  # fmt: skip
    """One note on the beat, from the chord, or two halves with a step between; and where it is."""
    player = parts.get("melody")
    if not player:
        return before, []
    choices = [chord + step for step in (0, 2, 4, 7)]
    degree = min(choices, key=lambda d: abs(d - before) + rng.uniform(0, 3))
    pitch = _fold(_pitch(tonic, mode, degree), MELODY_LOW)
    if rng.random() < 0.6:
        return degree, [Note(player, start, 0.92 * beat_s, pitch, 104)]
    after = degree + int(rng.choice([-1, 1]))
    passing = _fold(_pitch(tonic, mode, after), MELODY_LOW)
    half = beat_s / 2
    return after, [
        Note(player, start, 0.9 * half, pitch, 104),
        Note(player, start + half, 0.9 * half, passing, 88),
    ]
