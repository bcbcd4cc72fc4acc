from __future__ import annotations

import threading
from pathlib import Path

import pytest

from earshot.web import fetched
from earshot.web.faults import NotHere
from earshot.web.fetched import FetchedSounds
from earshot.web.library import IndexedSound


def stored(folder: Path, name: str, size: int = 10) -> IndexedSound:
    (folder / name).write_bytes(name[:1].encode() * size)
    return IndexedSound(name, name, f"file://{folder}/{name}", 1.0)


def test_the_copies_asked_for_longest_ago_go_first(tmp_path: Path) -> None:
    kept = FetchedSounds(max_bytes=25)
    a, b, c = (stored(tmp_path, f"{name}.wav") for name in "abc")
    first, second = Path(kept.copy_of(a).path), Path(kept.copy_of(b).path)
    assert Path(kept.copy_of(a).path) == first  # asked for again, so b is now the oldest
    assert Path(kept.copy_of(c).path).read_bytes() == b"c" * 10
    assert first.is_file()
    assert not second.exists()


def test_one_larger_than_all_room_is_still_played(tmp_path: Path) -> None:
    kept = FetchedSounds(max_bytes=5)
    assert Path(kept.copy_of(stored(tmp_path, "a.wav")).path).stat().st_size == 10


def test_a_sound_that_changed_is_another_copy(tmp_path: Path) -> None:
    kept, sound = FetchedSounds(), stored(tmp_path, "a.wav")
    with Path(kept.copy_of(sound).path).open("rb") as playing:
        stored(tmp_path, "a.wav", size=20)
        assert Path(kept.copy_of(sound).path).stat().st_size == 20
        assert len(playing.read()) == 10  # what was being played is played to its end


def test_a_slow_one_keeps_nobody_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, slow, quick = FetchedSounds(), stored(tmp_path, "slow.wav"), stored(tmp_path, "q.wav")
    go_on, plain = threading.Event(), fetched.fetch

    def fetch(url: str) -> bytes:
        if url.endswith("slow.wav"):
            assert go_on.wait(60)
        return plain(url)

    monkeypatch.setattr(fetched, "fetch", fetch)
    waiting = threading.Thread(target=kept.copy_of, args=(slow,))
    waiting.start()
    try:
        assert Path(kept.copy_of(quick).path).read_bytes() == b"q" * 10
    finally:
        go_on.set()
        waiting.join()


def test_what_is_gone_is_told(tmp_path: Path) -> None:
    sound = stored(tmp_path, "a.wav")
    (tmp_path / "a.wav").unlink()
    with pytest.raises(NotHere, match=r"a\.wav"):
        FetchedSounds().copy_of(sound)
