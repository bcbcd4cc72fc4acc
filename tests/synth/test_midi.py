from __future__ import annotations

import io

import numpy as np
import pytest

from earshot.synth.midi import to_midi
from earshot.synth.players import PLAYERS
from earshot.synth.scores import DRUMS, Score, write_score


def score() -> Score:
    parts = {"melody": "flute", "chords": "piano", "bass": "cello", DRUMS: DRUMS}
    return write_score(6.0, 97, 3, parts, np.random.default_rng(0))


def test_the_file_is_a_midi_file_of_one_track() -> None:
    midi = to_midi(score())
    assert midi[:8] == b"MThd\x00\x00\x00\x06"
    assert midi[8:12] == b"\x00\x00\x00\x01"
    assert midi[14:18] == b"MTrk"
    assert int.from_bytes(midi[18:22], "big") == len(midi) - 22
    assert midi.endswith(b"\x00\xff\x2f\x00")


def test_another_reader_finds_the_same_notes() -> None:
    pretty_midi = pytest.importorskip("pretty_midi")
    written = score()
    read = pretty_midi.PrettyMIDI(io.BytesIO(to_midi(written)))
    programs = {i.program for i in read.instruments if not i.is_drum}
    assert programs == {PLAYERS[name].program for name in written.instruments if name != DRUMS}
    found = sorted((n.start, n.pitch) for i in read.instruments for n in i.notes)
    wanted = sorted((n.start_s, n.pitch) for n in written.notes)
    assert len(found) == len(wanted)
    np.testing.assert_allclose(
        [start for start, _ in found], [start for start, _ in wanted], atol=1e-3
    )
    assert sorted(p for _, p in found) == sorted(p for _, p in wanted)
