from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import write_audio
from earshot.core.errors import EarShotError
from earshot.factories.extract import NO_MUSIC, NO_SPEECH, RuleExtractor, is_music, is_speech
from earshot.factories.item import Item
from earshot.factories.notes import NoteFilter, denies
from earshot.factories.probes import probe
from earshot.factories.questions import ASKED, NoteQuestions
from earshot.factories.tagger import Tagger
from earshot.models.ready import ready_embedder
from earshot.synth import render_sound

RATE = 16_000


def tone(hz: float, seconds: float, level: float = 0.2) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(
        np.float32
    )


def beeps(every_s: float, seconds: float) -> np.ndarray:
    one = np.concatenate([tone(800, every_s / 3), np.zeros(round(every_s * RATE * 2 / 3))])
    return np.resize(one, round(seconds * RATE)).astype(np.float32)


def test_probes_say_what_is_certain() -> None:
    steady = probe(tone(440, 3.0), RATE)
    assert steady.level_db == pytest.approx(20 * np.log10(0.2 / np.sqrt(2)), abs=0.1)
    assert steady.manners == ("steady",)
    assert probe(tone(120, 2.0), RATE).pitch_hz == pytest.approx(120, rel=0.03)
    assert "loud" in probe(tone(440, 2.0, 0.9), RATE).manners
    assert "quiet" in probe(tone(440, 2.0, 0.005), RATE).manners
    assert probe(np.zeros(RATE, np.float32), RATE).silent


@pytest.mark.parametrize(("every_s", "manner"), [(0.2, "rapid"), (1.0, "slow")])
def test_a_beat_is_counted(every_s: float, manner: str) -> None:
    facts = probe(beeps(every_s, 6.0), RATE)
    assert facts.beat_hz == pytest.approx(1 / every_s, rel=0.1)
    assert manner in facts.manners


@pytest.mark.parametrize("n_samples", [1, 2, 100, 5_000])
def test_any_length_has_facts(n_samples: int) -> None:
    rng = np.random.default_rng(n_samples)
    facts = probe(rng.normal(0, 0.1, n_samples).astype(np.float32), RATE)
    assert 0 <= facts.heard <= 1
    with pytest.raises(EarShotError, match="no samples"):
        probe(np.zeros(0, np.float32), RATE)


def test_a_clip_s_labels_go_first_and_the_tagger_adds_what_it_is_sure_of(tmp_path: Path) -> None:
    tagger = Tagger(ready_embedder("earshot-small"))
    rate = tagger.embedder.sample_rate
    write_audio(tmp_path / "rooster.wav", render_sound("rooster", sample_rate=rate, seed=3), rate)
    write_audio(tmp_path / "none.wav", np.zeros(rate, np.float32), rate)
    (tmp_path / "text.wav").write_text("no sound")
    items = [
        Item("heard", tmp_path / "rooster.wav"),
        Item("told", tmp_path / "rooster.wav", labels=("Piano",)),
        Item("silent", tmp_path / "none.wav", labels=("Dog",)),
        Item("broken", tmp_path / "text.wav", labels=("Dog",)),
        Item("gone", tmp_path / "gone.wav", labels=("Dog",)),
        Item("labels only", labels=("Dog barking", "Rain")),
        Item("nothing"),
    ]
    heard, told, silent, broken, gone, only, nothing = RuleExtractor(tagger).work(items)
    assert heard.notes["events"].startswith("rooster crowing")
    assert (heard.notes["speech"], heard.notes["music"]) == (NO_SPEECH, NO_MUSIC)
    assert told.notes["events"].startswith("Piano")
    assert told.notes["music"].startswith("There is music: a piano")
    assert silent.rejected.reason == "silent"
    for item in (broken, gone):
        assert item.rejected.failed
        assert item.rejected.reason == "unreadable"
    assert only.notes["description"] == "A dog is barking, together with rain."
    assert nothing.rejected.reason == "nothing_known"


def test_a_tagger_is_silent_where_nothing_stands_out() -> None:
    tagger = Tagger(ready_embedder("earshot-small"), ("rain", "heavy rain", "dog barking"))
    row = tagger.embedder.embed_texts(["the sound of rain"])[0]
    (found,) = tagger.names(row)
    assert found.label in ("rain", "heavy rain")
    assert found.share > 0.7  # its kin's share is its own
    assert tagger.names(np.zeros(256, np.float32))  # three labels: each is likely enough
    assert Tagger(tagger.embedder).names(np.zeros(256, np.float32)) == []
    with pytest.raises(EarShotError, match="two or more"):
        Tagger(tagger.embedder, ("rain",))


def test_speech_and_music_are_known_by_their_words() -> None:
    assert is_speech("Male speech, man speaking")
    assert is_music("acoustic_guitar")
    assert not is_speech("dog barking")
    assert not is_music("rain")


CERTAIN = "A woman speaks calmly; the language is not clear."


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("speech", "There is no speech."),
        ("speech", "No one is speaking; no speech can be heard."),
        ("speech", "The audio does not contain any speech."),
        ("speech", "Speech is not present in this recording."),
        ("speech", "N/A"),
        ("music", "There is no music in the clip."),
        ("music", "The recording doesn't include music or a melody."),
        ("music", "None."),
    ],
)
def test_denials_are_dropped(kind: str, note: str) -> None:
    (item,) = NoteFilter().work([Item("a", notes={kind: note, "description": "It does not stop."})])
    assert dict(item.notes) == {"description": "It does not stop."}


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("speech", CERTAIN),
        ("speech", "A man speaks, and what he says is not understood."),
        ("music", "Slow piano music that does not change its tempo."),
        ("music", "Jazz; the saxophone is not loud."),
    ],
)
def test_valid_lines_stay_and_the_released_rule_drops_them(kind: str, note: str) -> None:
    assert NoteFilter().kept(kind, note)
    assert NoteFilter("released").kept(kind, note) == ""
    assert NoteFilter("released").kept("description", note) == note


def test_the_released_rule_is_three_substrings_a_kind() -> None:
    released = NoteFilter("released")
    assert released.kept("speech", "no music here") == "no music here"
    assert released.kept("music", "no speech here") == "no speech here"
    assert released.kept("speech", "No Speech.") == "No Speech."  # letter case counts there
    assert not denies("speech", "A man speaks.")
    assert NoteFilter().kept("speech", f"There is no speech at first. {CERTAIN}") == (
        "A woman speaks calmly the language is not clear."
    )
    with pytest.raises(EarShotError, match="sentences or released"):
        NoteFilter("loose")  # type: ignore[arg-type]


def test_three_questions_are_answered_by_the_notes() -> None:
    notes = {"description": "A dog barks.", "speech": NO_SPEECH, "music": NO_MUSIC, "events": "dog"}
    (item,) = NoteQuestions().work([Item("a", notes=notes)])
    assert [pair.answer for pair in item.answers] == ["A dog barks.", NO_SPEECH, NO_MUSIC]
    assert [pair.question for pair in item.answers] == list(ASKED.values())
