"""Who plays: each instrument's General MIDI program and its voice of our own."""

from __future__ import annotations

from dataclasses import dataclass

from earshot.synth import instruments
from earshot.synth.instruments import Voice


@dataclass(frozen=True)
class Player:
    """An instrument by both voices, and the parts that suit it."""

    program: int  # General MIDI, 0 is the grand piano
    voice: Voice
    parts: tuple[str, ...]


PLAYERS = {
    "piano": Player(0, instruments.piano, ("melody", "chords")),
    "marimba": Player(12, instruments.marimba, ("melody",)),
    "organ": Player(19, instruments.organ, ("chords",)),
    "accordion": Player(21, instruments.accordion, ("melody", "chords")),
    "guitar": Player(24, instruments.guitar, ("melody", "chords")),
    "bass guitar": Player(33, instruments.bass, ("bass",)),
    "violin": Player(40, instruments.violin, ("melody",)),
    "cello": Player(42, instruments.cello, ("bass",)),
    "harp": Player(46, instruments.harp, ("melody", "chords")),
    "trumpet": Player(56, instruments.trumpet, ("melody",)),
    "saxophone": Player(65, instruments.saxophone, ("melody",)),
    "clarinet": Player(71, instruments.clarinet, ("melody",)),
    "flute": Player(73, instruments.flute, ("melody",)),
}
