"""A score played on our own voices: no other program needed."""

from __future__ import annotations

import numpy as np

from earshot.synth import envelopes, instruments
from earshot.synth.players import PLAYERS
from earshot.synth.scores import DRUMS, HAT, KICK, SNARE, Note, Score
from earshot.synth.take import Take

DRUM_VOICES = {
    KICK: (instruments.kick, 0.3, 1.0),
    SNARE: (instruments.snare, 0.22, 0.6),
    HAT: (instruments.hat, 0.07, 0.35),
}
RING_S = 0.25  # what a note sounds beyond its key


def play(score: Score, duration_s: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The score as a waveform [samples], not yet levelled."""
    take = Take(rng, sample_rate, round(duration_s * sample_rate))
    grains = [_sound(note, take) for note in score.notes]
    return envelopes.place(take, [note.start_s for note in score.notes], grains)


def _sound(note: Note, take: Take) -> np.ndarray:
    gain = (note.velocity / 127) ** 1.5
    if note.instrument == DRUMS:
        voice, length_s, level = DRUM_VOICES[note.pitch]
        blow = voice(take.part(length_s))
        return gain * level * blow / (np.max(np.abs(blow)) + 1e-9)
    hz = 440.0 * 2 ** ((note.pitch - 69) / 12)
    tone = PLAYERS[note.instrument].voice(take.part(note.duration_s + RING_S), hz)
    return 0.35 * gain * tone / (np.max(np.abs(tone)) + 1e-9)
