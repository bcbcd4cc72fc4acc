from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.data.open import recognise
from tiny_sounds import tone

datasets = pytest.importorskip("datasets")


def of_sounds(audio: list[dict[str, object] | None]) -> object:
    """A set with an Audio column, made without the library's own encoder."""
    cell = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    plain = datasets.Dataset.from_dict(
        {"audio": audio}, features=datasets.Features({"audio": cell})
    )
    return plain.cast_column("audio", datasets.Audio())


def saved(folder: Path, n: int, **columns: list[object]) -> object:
    data = [tone(folder / f"{k}.wav", hz=200 + 50 * k).read_bytes() for k in range(n)]
    audio = [{"bytes": each, "path": None} for each in data]
    made = of_sounds(audio)
    for name, values in columns.items():
        made = made.add_column(name, values)
    return made


def test_a_saved_dict_with_class_labels(tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    made = saved(sounds, 4, label=[0, 1, 1, 0], text=["a", "b", "c", "d"], speaker=[*"wxyz"])
    made = made.cast_column("label", datasets.ClassLabel(names=["cat", "dog"]))
    both = datasets.DatasetDict(train=made.select(range(3)), test=made.select([3]))
    both.save_to_disk(str(tmp_path / "set"))
    assert recognise(tmp_path / "set") == "datasets"
    clips = open_clips(tmp_path / "set")
    assert [clip.labels for clip in clips] == [("cat",), ("dog",), ("dog",), ("cat",)]
    assert [clip.captions for clip in clips.split("train")] == [("a",), ("b",), ("c",)]
    assert clips[2].extra == {"speaker": "y"}
    for n, clip in enumerate(clips):
        assert clip.audio.read() == (sounds / f"{n}.wav").read_bytes()
        assert clip.read().sample_rate == 8_000


def test_sounds_of_files_and_a_row_without_one(tmp_path: Path) -> None:
    paths = [tone(tmp_path / f"{n}.wav", hz=300 + n) for n in range(2)]
    data = [path.read_bytes() for path in paths]
    made = of_sounds([*({"bytes": None, "path": str(path)} for path in paths), None])
    made.save_to_disk(str(tmp_path / "set"))
    for path in paths:
        path.unlink()  # the library took the sounds into the set
    clips = open_clips(tmp_path / "set", on_fault="skip")
    assert [clip.audio.read() for clip in clips] == data
    assert [(fault.line, fault.field) for fault in clips.faults] == [(3, "audio")]


def test_a_set_without_sound(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(EarShotError, match="column of the kind Audio"):
        open_clips(tmp_path / "set")
