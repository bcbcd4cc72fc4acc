from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earshot.core.errors import EarShotError
from earshot.synth import SceneConfig, SpeechConfig, TuneConfig, make_scene, write_dataset
from earshot.synth.dataset import split_of
from earshot.synth.records import SoundsConfig

SHORT = SceneConfig(duration_s=1.0, sample_rate=8_000, relations={"single": 1.0})


class Stopped(Exception):
    pass


def rows(manifest: Path) -> list[dict]:
    return [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_manifest_tells_what_is_in_the_clips(tmp_path: Path) -> None:
    manifest = write_dataset(tmp_path / "out", kind="scenes", n=6, seed=3, config=SHORT)
    found = rows(manifest)
    assert [row["index"] for row in found] == list(range(6))
    for row in found:
        waveform, sample_rate = soundfile.read(manifest.parent / row["path"], dtype="float32")
        scene = make_scene(3, SHORT, row["index"])
        assert sample_rate == row["sample_rate"] == 8_000
        np.testing.assert_allclose(waveform, scene.waveform, atol=1 / 32_000)
        assert row["captions"] == list(scene.captions)
        assert row["labels"] == [event.kind for event in scene.events]
        assert [event["kind"] for event in row["events"]] == row["labels"]
        assert row["split"] in ("train", "val", "test")
        assert row["duration_s"] == 1.0
        assert row["seed"] == 3


@pytest.mark.parametrize(
    ("kind", "config", "fields"),
    [
        ("sounds", SoundsConfig(sample_rate=8_000, kinds=("rain", "owl")), {"category", "events"}),
        ("tunes", TuneConfig(sample_rate=8_000, duration_s=1.0, voice="own"), {"beats_s", "key"}),
        ("speech", SpeechConfig(sample_rate=8_000, engine="formant"), {"transcript", "language"}),
    ],
)
def test_every_kind_is_written(tmp_path: Path, kind: str, config: object, fields: set) -> None:
    found = rows(write_dataset(tmp_path / "out", kind=kind, n=3, format="wav", config=config))  # type: ignore[arg-type]
    for row in found:
        assert fields < row.keys()
        assert len(row["captions"]) == 5
        assert row["labels"]
        info = soundfile.info(tmp_path / "out" / row["path"])
        assert (info.format, info.samplerate) == ("WAV", 8_000)
        assert info.duration == pytest.approx(row["duration_s"], abs=1e-3)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_dataset(tmp_path / name, n=4, seed=1, config=SHORT)
    write_dataset(tmp_path / "c", n=4, seed=2, config=SHORT)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") != contents(tmp_path / "c")


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    write_dataset(tmp_path / "whole", n=6, config=SHORT)

    def stop(there: int, n: int) -> None:
        if there == 4:
            raise Stopped

    with pytest.raises(Stopped):
        write_dataset(tmp_path / "stopped", n=6, config=SHORT, progress=stop)
    assert not (tmp_path / "stopped" / "manifest.jsonl").exists()
    journal = tmp_path / "stopped" / "journal.jsonl"
    with journal.open("a") as cut:
        cut.write('{"path": "clips/scene-0000')  # as a kill would leave it
    clips = sorted((tmp_path / "stopped" / "clips").iterdir())
    clips[1].unlink()
    made = {path: path.stat().st_mtime_ns for path in (clips[0], clips[2])}
    write_dataset(tmp_path / "stopped", n=6, config=SHORT)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert made == {path: path.stat().st_mtime_ns for path in made}, "made twice"


def test_a_larger_n_adds_and_a_smaller_takes_nothing_away(tmp_path: Path) -> None:
    write_dataset(tmp_path / "grown", n=2, config=SHORT)
    write_dataset(tmp_path / "grown", n=5, config=SHORT)
    write_dataset(tmp_path / "grown", n=3, config=SHORT)
    write_dataset(tmp_path / "whole", n=5, config=SHORT)
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")


def test_splits_are_fixed_and_about_as_large_as_said() -> None:
    drawn = [split_of(0, index) for index in range(1_000)]
    assert 760 < drawn.count("train") < 840
    assert 70 < drawn.count("val") < 130
    assert drawn == [split_of(0, index) for index in range(1_000)]


def test_another_data_set_is_never_overwritten(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a", n=1, config=SHORT)
    for change in ({"seed": 1}, {"format": "wav"}):
        with pytest.raises(EarShotError, match="other settings"):
            write_dataset(tmp_path / "a", n=1, config=SHORT, **change)  # type: ignore[arg-type]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("mine")
    with pytest.raises(EarShotError, match="not a data set"):
        write_dataset(tmp_path / "b", n=1, config=SHORT)
    with pytest.raises(EarShotError, match="a file at"):
        write_dataset(tmp_path / "b" / "thesis.txt", n=1, config=SHORT)
    with pytest.raises(EarShotError, match="cannot be written"):
        write_dataset(tmp_path / "b" / "thesis.txt" / "c", n=1, config=SHORT)


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"kind": "songs"}, "tunes"),
        ({"n": 0}, "at least 1"),
        ({"seed": -1}, "0 or more"),
        ({"format": "ogg"}, "flac"),
        ({"kind": "tunes"}, "TuneConfig"),
        ({"sample_rate": 16_000}, "one sample rate"),
    ],
)
def test_faults_are_told(tmp_path: Path, change: dict, mend: str) -> None:
    with pytest.raises(EarShotError, match=mend):
        write_dataset(tmp_path / "out", **{"n": 1, "config": SHORT, **change})
