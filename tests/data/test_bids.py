from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.bids_study import LEAD_S, RATE, WORDS, signals, write_events, write_study
from earshot.core.errors import EarShotError
from earshot.data.bids import find_recordings, read_bids, read_recording
from earshot.data.brain import BrainStudy
from earshot.data.brain_events import EventColumns

pytest.importorskip("mne", reason="needs the extra brain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("bids") / "study")


@pytest.fixture(scope="module")
def study(folder: Path) -> BrainStudy:
    return read_bids(folder, sample_rate=50.0)


def test_three_formats_give_what_was_written(study: BrainStudy) -> None:
    """Bad channels are gone, each channel lies about its own median, at the rate asked for."""
    assert [each.subject for each in study.recordings] == ["01", "02", "03"]
    for number, recording in enumerate(study.recordings):
        wanted = signals(number) * (1e-7 if number == 2 else 1.0)
        wanted = wanted[:, : wanted.shape[1] // RATE * RATE] if number == 1 else wanted
        wanted = np.delete(wanted, 2, axis=0) if number == 0 else wanted
        wanted = (wanted - np.median(wanted, axis=1, keepdims=True))[:, ::2]
        assert recording.signal.shape == wanted.shape
        assert recording.sample_rate == 50.0
        inner = slice(25, -25)  # away from the ends of the band limit
        error = np.abs(recording.signal - wanted)[:, inner].max() / np.abs(wanted).max()
        assert error < 0.02


def test_words_know_where_in_which_sound_they_were(study: BrainStudy) -> None:
    words = study.recordings[0].words
    assert [(word.start_s, word.text) for word in words] == WORDS
    assert {word.sound for word in words} == {"story.wav"}
    assert words[0].onset_s == LEAD_S + WORDS[0][0]
    assert (words[0].sentence, words[8].sentence, words[0].duration_s) == ("0", "1", 0.4)
    assert isinstance(study.sounds["story.wav"], Path)


def test_sensors_have_places_from_table_name_or_file(study: BrainStudy) -> None:
    table, names, file = (each.positions for each in study.recordings)
    for places in (table, names, file):
        assert places.min() == 0
        assert places.max() == 1
    assert names[3, 0] < 0.2 < 0.8 < names[4, 0]  # C3 is left, C4 right
    assert names[0, 1] > names[1, 1] > names[5, 1]  # Fz before Cz before Oz
    assert file[0] == pytest.approx([1.0, 0.5])  # the first on the circle lies to the right


def test_only_the_subjects_asked_for(folder: Path) -> None:
    assert [path.name for path in find_recordings(folder, ["sub-02"])] == [
        "sub-02_ses-a_task-story_eeg.edf"
    ]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study")
    (folder / "sub-01/eeg/sub-01_task-story_eeg.eeg").unlink()
    (folder / "sub-03/meg/sub-03_task-story_events.tsv").unlink()
    study = read_bids(folder, sample_rate=50.0)
    assert [each.subject for each in study.recordings] == ["02"]
    assert "sub-01_task-story_eeg.vhdr was left out" in study.notes[0]
    assert "sub-03_task-story_events.tsv" in study.notes[1]
    (folder / "sub-02/ses-a/eeg/sub-02_ses-a_task-story_eeg.edf").write_bytes(b"0" * 300)
    with pytest.raises(EarShotError, match="none of which can be used"):
        read_bids(folder)


def test_folders_and_sounds_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="is no folder"):
        read_bids(tmp_path / "nowhere")
    with pytest.raises(EarShotError, match="without a recording"):
        read_bids(tmp_path)
    folder = write_study(tmp_path / "study")
    (folder / "stimuli/story.wav").unlink()
    with pytest.raises(EarShotError, match=r"a sound 'story\.wav'.* is not there"):
        read_bids(folder)
    with pytest.raises(EarShotError, match="of 09"):
        find_recordings(folder, ["09"])


def test_a_recording_without_channels_or_places(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study")
    path = folder / "sub-01/eeg/sub-01_task-story_eeg.vhdr"
    table = path.with_name("sub-01_task-story_channels.tsv")
    table.write_text(table.read_text().replace("good", "bad"))
    with pytest.raises(EarShotError, match="without a good channel"):
        read_recording(path)
    table.unlink()
    path.with_name("sub-01_electrodes.tsv").unlink()
    path.write_text(path.read_text("utf-8").replace("=Fz", "=E1"), "utf-8")
    known = read_recording(path).positions
    assert np.isnan(known[0]).all()  # no such name in the 10-05 system
    assert np.isfinite(known[1:]).all()


def test_events_of_other_names(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study")
    write_events(folder / "sub-01/eeg/sub-01_task-story_events.tsv", word_kind="token")
    path = folder / "sub-01/eeg/sub-01_task-story_eeg.vhdr"
    with pytest.raises(EarShotError, match="without a row of trial_type=word"):
        read_recording(path)
    found = read_recording(path, columns=EventColumns(word_kind="token"))
    assert len(found.words) == len(WORDS)
