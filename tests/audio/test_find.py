"""Folders are walked in a stable order, circles are cut, nothing is passed over in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from earshot.audio import AudioError, find_audio, read_audio


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_sorted_by_name_with_sound_suffixes_alone(tmp_path: Path) -> None:
    wanted = [touch(tmp_path / name) for name in ("a/x.FLAC", "a/y.mp3", "b.wav", "c/d/e.opus")]
    for name in ("a/notes.txt", "cover.png", ".hidden.wav", ".cache/z.wav", "noext"):
        touch(tmp_path / name)
    assert list(find_audio([tmp_path])) == wanted


def test_files_given_are_yielded_as_they_are(tmp_path: Path) -> None:
    given = [tmp_path / "gone.wav", touch(tmp_path / "sound.bin"), touch(tmp_path / ".hidden")]
    assert list(find_audio(given)) == given
    assert list(find_audio([str(path) for path in given])) == given


def test_links_are_followed_and_circles_cut(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "x.wav")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    elsewhere = tmp_path.parent / f"{tmp_path.name} elsewhere"
    touch(elsewhere / "y.wav")
    (tmp_path / "c").symlink_to(elsewhere)
    assert list(find_audio([tmp_path])) == [tmp_path / "a" / "x.wav", tmp_path / "c" / "y.wav"]


def test_a_folder_given_twice_is_walked_once(tmp_path: Path) -> None:
    path = touch(tmp_path / "a" / "x.wav")
    assert list(find_audio([tmp_path, tmp_path / "a", tmp_path])) == [path]


def test_what_cannot_be_used_is_yielded_to_be_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "self.wav").symlink_to(tmp_path / "self.wav")
    (tmp_path / "locked").mkdir()
    listing = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", scandir)  # root may list everything: a mode would not do
    found = list(find_audio([tmp_path]))
    assert [path.name for path in found] == ["dangling.wav", "locked", "self.wav"]
    for path in found:
        with pytest.raises(AudioError):
            read_audio(path)


def test_strange_names_and_great_depth(tmp_path: Path) -> None:
    names = [b"li\nne.wav", b"\xff\xfe.wav", b"it's.wav"]
    for name in names:
        touch(tmp_path / os.fsdecode(name))
    assert {os.fsencode(path.name) for path in find_audio([tmp_path])} == set(names)
    deep = tmp_path.joinpath(*["d"] * 300)
    folder = tmp_path
    for _ in range(300):
        folder = folder / "d"
        folder.mkdir()
    touch(deep / "x.wav")
    assert deep / "x.wav" in set(find_audio([tmp_path]))


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert list(find_audio([tmp_path])) == []
    assert list(find_audio([])) == []
