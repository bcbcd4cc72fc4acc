from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.index import Store
from earshot.jobs import indexing
from earshot.jobs.indexing import index
from earshot.jobs.search import search, similar
from toy_embedder import TONES, ToyEmbedder, write_tones

WORDS = list(TONES)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Twelve sounds: one to three windows each."""
    folder = tmp_path / "sounds"
    names = {f"{i % 3}/{i:02d}.wav": (WORDS[i % 5],) * (1 + i % 3) for i in range(12)}
    write_tones(folder, names)
    return folder


def contents(folder: Path) -> list[tuple[str, int, list[float]]]:
    rows = Store.open(str(folder / ".earshot")).all_rows()
    paths, windows = rows.table["path"].to_pylist(), rows.table["window"].to_pylist()
    return sorted(zip(paths, windows, rows.vectors.round(4).tolist(), strict=True))


def test_a_folder_is_indexed_once(sounds: Path) -> None:
    embedder = ToyEmbedder()
    report = index(sounds, model=embedder)
    assert (report.added, report.changed, report.unchanged, report.failures) == (12, 0, 0, [])
    assert report.stats["windows"] == embedder.n_embedded == 24
    assert report.pace.audio_s == pytest.approx(24)
    again = index(sounds, model=embedder)
    assert (again.added, again.unchanged) == (0, 12)
    assert embedder.n_embedded == 24


def test_only_what_is_new_changed_or_gone_is_touched(sounds: Path) -> None:
    embedder = ToyEmbedder()
    index(sounds, model=embedder)
    embedder.n_embedded = 0
    write_tones(sounds, {"new.wav": ("bell", "dog"), "0/00.wav": ("car", "cat")})
    (sounds / "1/01.wav").unlink()
    shutil.rmtree(sounds / "2")
    report = index(sounds, model=embedder)
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 5, 6)
    assert embedder.n_embedded == 4
    fresh = sounds.parent / "fresh"
    shutil.copytree(sounds, fresh, ignore=shutil.ignore_patterns(".earshot"))
    index(fresh, model=embedder)
    assert contents(sounds) == contents(fresh)


def test_moved_copied_and_touched_files_are_not_embedded_again(sounds: Path) -> None:
    embedder = ToyEmbedder()
    index(sounds, model=embedder)
    before = contents(sounds)
    embedder.n_embedded = 0
    (sounds / "0").rename(sounds / "renamed")
    shutil.copy(sounds / "1/01.wav", sounds / "copy.wav")
    os.utime(sounds / "2/02.wav", ns=(1, 1))
    report = index(sounds, model=embedder)
    assert (report.reused, report.added, report.removed) == (4 + 1 + 1, 0, 4)
    assert embedder.n_embedded == 0
    after = contents(sounds)
    assert len(after) == len(before) + 2
    assert index(sounds, model=embedder).unchanged == 13


def test_files_that_swap_names_swap_vectors(sounds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(sounds, model=ToyEmbedder())
    monkeypatch.setattr(indexing, "COMMIT_WINDOWS", 1)  # each is committed before the next is read
    names = sorted(path for path in sounds.rglob("*.wav"))
    for path in names:
        path.rename(path.with_suffix(".moved"))
    for path, next_path in zip(names, [*names[1:], names[0]], strict=True):
        path.with_suffix(".moved").rename(next_path)
    index(sounds, model=ToyEmbedder())
    fresh = sounds.parent / "fresh"
    shutil.copytree(sounds, fresh, ignore=shutil.ignore_patterns(".earshot"))
    index(fresh, model=ToyEmbedder())
    assert contents(sounds) == contents(fresh)


def test_failures_are_listed_and_tried_again(sounds: Path) -> None:
    (sounds / "0/bad.wav").write_text("not a sound at all, however it is called")
    (sounds / "gone.wav").symlink_to(sounds / "nowhere.wav")
    report = index(sounds, model=ToyEmbedder())
    assert sorted(failure.path.name for failure in report.failures) == ["bad.wav", "gone.wav"]
    assert all(failure.error for failure in report.failures)
    assert report.added == 12
    write_tones(sounds, {"0/bad.wav": ("dog", "rain")})
    (sounds / "gone.wav").unlink()
    assert index(sounds, model=ToyEmbedder()).added == 1


def test_a_changed_file_that_became_unreadable_keeps_its_place(sounds: Path) -> None:
    index(sounds, model=ToyEmbedder())
    (sounds / "0/00.wav").write_bytes(b"broken")
    report = index(sounds, model=ToyEmbedder())
    assert (report.removed, len(report.failures), report.stats["files"]) == (0, 1, 12)


def test_names_of_any_bytes(tmp_path: Path) -> None:
    names = [os.fsdecode(b"caf\xe9.wav"), 'it\'s "so".wav', "two\nlines.wav", " blank .wav"]
    write_tones(tmp_path, {name: ("dog",) for name in names})
    index(tmp_path, model=ToyEmbedder())
    assert index(tmp_path, model=ToyEmbedder()).unchanged == 4
    hits = search("dog", tmp_path, model=ToyEmbedder())
    assert {hit.path.name for hit in hits} == set(names)
    assert all(hit.path.is_file() for hit in hits)


def test_a_model_that_changed_makes_the_index_anew(sounds: Path) -> None:
    index(sounds, model=ToyEmbedder())
    report = index(sounds, model=ToyEmbedder("ab" * 8))
    assert report.added == 12
    assert Store.open(str(sounds / ".earshot")).settings.fingerprint == "ab" * 8


def test_a_manifest_gives_words_and_a_change_in_it_costs_no_model(sounds: Path) -> None:
    embedder = ToyEmbedder()
    manifest = sounds / "manifest.csv"
    manifest.write_text("path,label,caption\n0/00.wav,hound,A hound in the yard.\n")
    index(sounds, model=embedder, data=manifest)
    hit = search("hound", sounds, model=embedder, k=1)[0]
    assert (hit.path.name, hit.tags, hit.caption) == ("00.wav", ("hound",), "A hound in the yard.")
    embedder.n_embedded = 0
    manifest.write_text("path,label,caption\n0/00.wav,beagle,A beagle.\n")
    assert index(sounds, model=embedder, data=manifest).reused == 1
    assert index(sounds, model=embedder).unchanged == 12
    assert embedder.n_embedded == 0
    assert search("beagle", sounds, model=embedder, k=1)[0].tags == ("beagle",)


def test_a_file_is_no_folder(sounds: Path) -> None:
    with pytest.raises(EarShotError, match="earshot tag"):
        index(sounds / "0/00.wav", model=ToyEmbedder())


def test_a_moved_folder_keeps_its_index(sounds: Path) -> None:
    index(sounds, model=ToyEmbedder())
    moved = sounds.rename(sounds.parent / "elsewhere")
    hit = search("rain", moved, model=ToyEmbedder())[0]
    assert hit.path.is_file()
    assert index(moved, model=ToyEmbedder()).unchanged == 12


KILLED = """
import os, signal, sys
from pathlib import Path
from toy_embedder import ToyEmbedder
from earshot.index.store import Store
from earshot.jobs import indexing

indexing.COMMIT_WINDOWS = 4
moment, n_commits = sys.argv[2], int(sys.argv[3])
put, compact, count = Store.put, Store.compact, 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def counted_put(self, files, *, replace):
    global count
    if moment == "before" and count == n_commits:
        die()
    put(self, files, replace=replace)
    count += 1
    if moment == "after" and count == n_commits:
        die()

def killed_compact(self):
    compact(self) if moment != "compact" else die()

Store.put, Store.compact = counted_put, killed_compact
indexing.index(Path(sys.argv[1]), model=ToyEmbedder())
"""


@pytest.mark.parametrize(("moment", "n_commits"), [("after", 1), ("before", 2), ("compact", 0)])
def test_a_kill_loses_nothing_finished_and_doubles_nothing(
    sounds: Path, moment: str, n_commits: int
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(sounds), moment, str(n_commits)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    left = contents(sounds)
    names = [path for path, _, _ in left]
    assert len({(path, window) for path, window, _ in left}) == len(left)
    for name in set(names):  # whole files alone: as many windows as seconds
        assert names.count(name) == 1 + int(name[2:4]) % 3
    assert len(set(names)) == 12 if moment == "compact" else 0 < len(set(names)) < 12
    report = index(sounds, model=ToyEmbedder())
    assert (report.added, report.unchanged) == (12 - len(set(names)), len(set(names)))
    fresh = sounds.parent / "fresh"
    shutil.copytree(sounds, fresh, ignore=shutil.ignore_patterns(".earshot"))
    index(fresh, model=ToyEmbedder())
    assert contents(sounds) == contents(fresh)


def test_similar_takes_indexed_sounds_from_the_index(sounds: Path) -> None:
    embedder = ToyEmbedder()
    index(sounds, model=embedder)
    embedder.n_embedded = 0
    hits = similar(sounds / "0/00.wav", sounds, model=embedder, k=2)  # a dog, as 05 and 10 are
    assert {hit.path.name for hit in hits} == {"05.wav", "10.wav"}
    assert embedder.n_embedded == 0
    write_tones(sounds.parent, {"outside.wav": ("bell",)})
    hits = similar(sounds.parent / "outside.wav", sounds, model=embedder, k=2)
    assert {hit.path.name for hit in hits} == {"03.wav", "08.wav"}
    assert embedder.n_embedded == 1


FULL = """
import resource, signal, sys
from pathlib import Path
from toy_embedder import ToyEmbedder
from earshot.core.errors import EarShotError
from earshot.jobs.indexing import index

folder, unlimited = Path(sys.argv[1]), resource.RLIM_INFINITY
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, unlimited))  # as a full disk: writes fail
try:
    index(folder, model=ToyEmbedder())
except EarShotError as fault:
    print(fault)
resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
print(index(folder, model=ToyEmbedder()).added)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits on files are POSIX")
def test_a_full_disk_is_a_sentence_and_the_next_run_does_the_rest(sounds: Path) -> None:
    index(sounds, model=ToyEmbedder())  # room enough for a first index
    write_tones(sounds, {f"{i}.wav": ("cat", *WORDS[:i], "dog") for i in range(1, 5)})
    before = contents(sounds)
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(sounds)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    sentence, added = run.stdout.splitlines()
    assert "File too large" in sentence
    assert "Free some disk" in sentence
    assert added == "4"
    after = contents(sounds)
    assert [row for row in after if row in before] == before
    assert len({row[0] for row in after}) == 16
