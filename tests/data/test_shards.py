from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from earshot.data import BatchLoader, DataError, open_clips
from earshot.data.open import recognise
from tiny_sounds import tone


def shard(path: Path, members: list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def sound(tmp_path: Path) -> bytes:
    return tone(tmp_path / "a.wav").read_bytes()


def test_samples_with_all_kinds_of_text(tmp_path: Path, sound: bytes) -> None:
    about = json.dumps({"text": ["a dog", "barking"], "tag": ["dog"], "url": "x"}).encode()
    members = [("x/0001.wav", sound), ("x/0001.json", about), ("0002.wav", sound)]
    members += [("0002.txt", "ein Höhlenhund\n".encode()), ("0002.cls", b"3"), ("0003.wav", sound)]
    clips = open_clips(shard(tmp_path / "set" / "000.tar", members))
    assert [clip.id for clip in clips] == ["x/0001", "0002", "0003"]
    assert [clip.captions for clip in clips] == [("a dog", "barking"), ("ein Höhlenhund",), ()]
    assert [clip.labels for clip in clips] == [("dog",), ("3",), ()]
    assert clips[0].extra == {"url": "x"}
    assert all(len(clip.read().waveform) == 1_600 for clip in clips)


def test_folders_are_splits_and_sounds_are_read_in_place(tmp_path: Path, sound: bytes) -> None:
    for split in ("train", "test"):
        for n in range(2):
            members = [(f"{n}{k}.wav", sound) for k in range(3)]
            shard(tmp_path / "set" / split / f"{n}.tar", members)
    assert recognise(tmp_path / "set") == "webdataset"
    clips = open_clips(tmp_path / "set")
    assert (len(clips), clips.splits) == (12, ("test", "train"))
    batch = next(BatchLoader(clips, batch_size=4, sample_rate=8_000, max_s=0.1).batches())
    assert batch.waveform.shape == (4, 800)


def test_a_shard_that_breaks_off_gives_what_is_whole(tmp_path: Path, sound: bytes) -> None:
    path = shard(tmp_path / "s.tar", [(f"{n}.wav", sound) for n in range(3)])
    data = path.read_bytes()
    path.write_bytes(data[: 2 * (512 + 3_584) + 700])  # in the third sound
    clips = open_clips(path, on_fault="skip")
    assert [clip.id for clip in clips] == ["0", "1"]
    assert {fault.file for fault in clips.faults} == {"s.tar"}
    assert "copy it again" in " ".join(fault.mend.lower() for fault in clips.faults)


def test_faults_of_samples(tmp_path: Path, sound: bytes) -> None:
    members = [("1.json", b"{}"), ("2.wav", sound), ("2.json", b"{nonsense")]
    clips = open_clips(shard(tmp_path / "s.tar", members), on_fault="skip")
    assert [fault.kind for fault in clips.faults] == ["missing_audio", "bad_row"]
    assert [clip.id for clip in clips] == ["2"]


def test_what_the_webdataset_library_writes(tmp_path: Path, sound: bytes) -> None:
    webdataset = pytest.importorskip("webdataset")
    (tmp_path / "w").mkdir()
    pattern = str(tmp_path / "w" / "%03d.tar")
    with webdataset.ShardWriter(pattern, maxcount=2, verbose=0) as writer:
        for n in range(5):
            about = {"caption": f"sound {n}"}
            writer.write({"__key__": f"{n:04}", "wav": sound, "json": about})
    clips = open_clips(tmp_path / "w")
    read = list(
        webdataset.WebDataset(sorted(map(str, (tmp_path / "w").glob("*.tar"))), shardshuffle=False)
    )
    assert [clip.id for clip in clips] == [sample["__key__"] for sample in read]
    assert [clip.audio.read() for clip in clips] == [sample["wav"] for sample in read]
    assert [clip.captions[0] for clip in clips] == [f"sound {n}" for n in range(5)]


def test_what_is_no_tar_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "s.tar").write_bytes(b"\x1f\x8b\x08 a compressed shard, say" * 100)
    with pytest.raises(DataError, match="no plain tar"):
        open_clips(tmp_path / "s.tar")
