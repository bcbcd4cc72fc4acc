"""A score as a Standard MIDI File, for any program that reads one."""

from __future__ import annotations

import struct

from earshot.synth.players import PLAYERS
from earshot.synth.scores import DRUMS, Score

TICKS = 960  # per quarter note
QUARTER_US = 500_000  # a fixed 120 quarters a minute: one tick is 1/1920 s whatever the tempo
TICKS_PER_S = TICKS * 1_000_000 / QUARTER_US
DRUM_CHANNEL = 9


def to_midi(score: Score) -> bytes:
    """The bytes of a type-0 file; times are exact to a tick of about half a millisecond."""
    channels = _channels(score)
    events = []  # (tick, order, message); ends come before starts at one tick
    for name, channel in channels.items():
        if name != DRUMS:
            events.append((0, 0, bytes((0xC0 | channel, PLAYERS[name].program))))
    for note in score.notes:
        channel = channels[note.instrument]
        start = round(note.start_s * TICKS_PER_S)
        end = max(round((note.start_s + note.duration_s) * TICKS_PER_S), start + 1)
        events.append((start, 2, bytes((0x90 | channel, note.pitch, note.velocity))))
        events.append((end, 1, bytes((0x80 | channel, note.pitch, 0))))
    track = bytearray(b"\x00\xff\x51\x03" + QUARTER_US.to_bytes(3, "big"))
    before = 0
    for tick, _, message in sorted(events):
        track += _variable_length(tick - before) + message
        before = tick
    track += b"\x00\xff\x2f\x00"
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + bytes(track)


def _channels(score: Score) -> dict[str, int]:
    """A channel for each instrument; drums have theirs by the standard."""
    free = (channel for channel in range(16) if channel != DRUM_CHANNEL)
    return {
        name: DRUM_CHANNEL if name == DRUMS else next(free) for name in sorted(score.instruments)
    }


def _variable_length(value: int) -> bytes:
    """Seven bits a byte, most significant first, the top bit set on all but the last."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(0x80 | value & 0x7F)
    return bytes(reversed(parts))
