from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.index import FileRows, IndexSettings, KnownFile, Store
from earshot.index.outdated import drop_outdated
from earshot.index.place import find_index, place_index, root_word

DIM = 16
SETTINGS = IndexSettings("toy", "0123456789abcdef", DIM, window_s=1.0, hop_s=1.0, root="..")


def rows(path: str, n: int = 2, seed: int = 0, **more) -> FileRows:
    vectors = np.random.default_rng([seed, *os.fsencode(path)]).normal(size=(n, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    starts = np.arange(n, dtype=np.float64)
    known = KnownFile(100 + seed, 1_000 + seed, f"hash{seed}", **more)
    return FileRows(path, known, float(n), starts, starts + 1, vectors.astype(np.float32))


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / ".earshot")


@pytest.fixture
def store(place: str) -> Store:
    return Store.create(place, SETTINGS)


def paths_and_windows(store: Store) -> list[tuple[str, int]]:
    table = store.all_rows().table
    return sorted(zip(table["path"].to_pylist(), table["window"].to_pylist(), strict=True))


def test_what_goes_in_comes_out(store: Store, place: str) -> None:
    put = rows("dogs/big dog.wav", n=3, tags=("dog", "loud"), caption="A dog barks.")
    store.put([put, rows("b.wav")], replace=False)
    again = Store.open(place)
    assert again.settings == SETTINGS
    found = again.rows_of("dogs/big dog.wav")
    assert found is not None
    assert (found.vectors == put.vectors).all()
    assert (found.path, found.known, found.duration_s) == (put.path, put.known, 3.0)
    assert again.known() == {"dogs/big dog.wav": put.known, "b.wav": rows("b.wav").known}
    assert again.rows_of("no.wav") is None


def test_names_that_are_not_utf8_or_need_quotes_survive(store: Store) -> None:
    names = [
        os.fsdecode(b"caf\xe9.wav"),
        "caf\\xe9.wav",
        'it\'s "so".wav',
        "line\nbreak.wav",
        "音.wav",
    ]
    store.put([rows(name) for name in names], replace=False)
    assert set(store.known()) == set(names)
    store.remove(names[:2])
    assert set(store.known()) == set(names[2:])


def test_a_changed_file_is_replaced_in_one_commit(store: Store) -> None:
    store.put([rows("a.wav", n=4), rows("b.wav"), rows("c.wav")], replace=False)
    before = store._table.version
    store.put([rows("a.wav", n=2, seed=1), rows("d.wav")], replace=True)
    assert store._table.version == before + 1
    expected = [(path, i) for path in ("a.wav", "b.wav", "c.wav", "d.wav") for i in (0, 1)]
    assert paths_and_windows(store) == expected
    assert store.known()["a.wav"].content_hash == "hash1"


def test_many_small_commits_leave_no_pile_of_files(store: Store, place: str) -> None:
    for i in range(30):
        store.put([rows(f"{i}.wav")], replace=False)
    assert store.stats()["fragments"] == 30
    store.compact()
    assert store.stats()["fragments"] == 1
    assert sum(path.is_file() for path in Path(place).rglob("*")) < 30
    assert store.n_rows == 60


def test_an_open_index_survives_that_a_writer_compacts_it(store: Store, place: str) -> None:
    store.put([rows("dog.wav")], replace=False)
    reader = Store.open(place)
    assert len(reader.all_rows().vectors) == 2
    for i in range(5):
        store.put([rows(f"cat{i}.wav")], replace=False)
    store.put([rows("dog.wav", n=1, seed=1)], replace=True)
    store.compact()
    assert len(reader.all_rows().vectors) == 2  # from memory: as it was opened
    assert len(reader.all_rows("window = 0").vectors) == 6  # from disk: as it is now
    assert len(reader.matching_words(["cat"], 10)) == 5
    reader.refresh()
    assert len(reader.all_rows().vectors) == 11


def test_another_model_is_refused_with_the_mend(store: Store, place: str) -> None:
    with pytest.raises(EarShotError, match=r"made the index: toy .* Search with --model toy"):
        Store.open(place, fingerprint="f" * 16, model="other")


def test_two_models_live_side_by_side(store: Store, place: str) -> None:
    other = Store.create(place, IndexSettings("big", "f" * 16, 8, 1.0, 1.0, ".."))
    store.put([rows("a.wav")], replace=False)
    assert (store.n_rows, other.n_rows) == (2, 0)
    assert Store.open(place, fingerprint="f" * 16).settings.model == "big"
    with pytest.raises(EarShotError, match="indexes of 2 models"):
        Store.open(place)


def test_tables_of_a_model_that_changed_are_dropped(store: Store, place: str) -> None:
    newer = IndexSettings("toy", "e" * 16, DIM, 1.0, 1.0, "..")
    Store.create(place, newer)
    assert drop_outdated(place, newer) == 1
    assert Store.open(place).settings == newer


def test_an_index_belongs_to_one_folder(store: Store, place: str) -> None:
    with pytest.raises(EarShotError, match="its own --index"):
        Store.create(place, IndexSettings("toy", SETTINGS.fingerprint, DIM, 1.0, 1.0, "/other"))


def test_filters_and_their_faults(store: Store) -> None:
    files = [rows("dogs/a.wav", n=5, tags=("dog",)), rows("cats/a.wav", n=2)]
    store.put(files, replace=False)
    assert len(store.all_rows("duration > 3").vectors) == 5
    assert len(store.all_rows("array_has(tags, 'dog')").vectors) == 5
    assert len(store.all_rows("folder = 'cats' AND duration < 3").vectors) == 2
    for wrong in ("nosuch = 3", "duration > > 3"):
        with pytest.raises(EarShotError, match="a condition on file_id, path"):
            store.all_rows(wrong)


def test_words_are_found_before_and_after_the_index_is_brought_up_to_date(store: Store) -> None:
    store.put([rows("animals/Dog_Barking01.wav"), rows("x1.wav", caption="Rain.")], replace=False)
    for _ in range(2):
        assert [*store.matching_words(["dogs", "bark"], 10).values()] == ["animals dog barking 01"]
        assert [*store.matching_words(["rain"], 10).values()] == ["x 1 rain"]
        assert store.matching_words(["whale"], 10) == {}
        store.compact()


def test_past_the_exact_size_the_approximate_index_answers(place: str) -> None:
    small = Store.create(place, SETTINGS)
    small.exact_rows = 500
    small.put([rows(f"{i}.wav") for i in range(600)], replace=False)
    assert small.is_exact
    small.compact()
    assert not small.is_exact
    vector = rows("77.wav").vectors[1]
    near = small.nearest(vector, 50)
    cosines = near.vectors @ vector
    assert near.table["path"].to_pylist()[int(cosines.argmax())] == "77.wav"
    exact = np.sort(small.all_rows().vectors @ vector)[::-1]
    assert np.sort(cosines)[::-1][:5] == pytest.approx(exact[:5], abs=1e-5)


def test_the_best_row_of_each_file(store: Store) -> None:
    store.put([rows("a.wav", n=3), rows("b.wav", n=1), rows("c.wav", n=4)], replace=False)
    held = store.all_rows()
    names = held.table["path"].to_pylist()
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = rng.integers(0, 3, size=8).astype(np.float32)  # many are equal
        expected = {}
        for row, name in enumerate(names):
            if name not in expected or scores[row] > scores[expected[name]]:
                expected[name] = row
        assert set(held.best_of_each_file(scores).tolist()) == set(expected.values())
    assert len(held.best_of_each_file(np.zeros(0, np.float32))) == 0


def test_a_second_writer_is_refused_and_a_dead_one_is_forgotten(store: Store, place: str) -> None:
    hold = f"""
import sys
from pathlib import Path
from earshot.core.lock import one_writer
with one_writer(Path({place!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
    other = subprocess.Popen(
        [sys.executable, "-c", hold],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(EarShotError, match="another process is writing"), store.writing():
        pass
    other.send_signal(signal.SIGKILL)
    other.wait()
    with store.writing():
        pass


def test_where_an_index_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sounds = tmp_path / "sounds"
    (sounds / "deep").mkdir(parents=True)
    place = place_index(sounds)
    assert place == str(sounds / ".earshot")
    assert root_word(sounds, place) == ".."
    with pytest.raises(EarShotError, match="earshot index"):
        find_index(sounds)
    Path(place).mkdir()
    assert find_index(sounds / "deep") == place
    assert place_index(sounds, "s3://bucket/index") == "s3://bucket/index"
    assert root_word(sounds, "s3://bucket/index") == str(sounds)
    with pytest.raises(EarShotError, match="not a folder"):
        find_index(index=tmp_path / "nowhere")


@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9"), "two\nlines"], ids=["bytes", "lines"])
def test_a_folder_with_a_name_that_no_store_holds_is_indexed_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    odd = tmp_path / name
    odd.mkdir()
    place = place_index(odd)
    settings = IndexSettings("toy", "0" * 16, DIM, 1.0, 1.0, root_word(odd, place))
    Store.create(place, settings).put([rows("a.wav")], replace=False)
    assert find_index(odd) == place
    assert Store.open(place).root == odd
    with pytest.raises(EarShotError, match="control characters"):
        place_index(tmp_path, odd / "index")


@pytest.mark.parametrize("name", ["a#b", "a%20b", "a b?c", "it's", "音", "[x]*"])
def test_folders_of_other_odd_names_hold_theirs(tmp_path: Path, name: str) -> None:
    odd = tmp_path / name
    odd.mkdir()
    Store.create(place_index(odd), SETTINGS).put([rows("a.wav")], replace=False)
    assert Store.open(str(odd / ".earshot")).root == odd


def test_a_read_only_folder_is_indexed_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    place = place_index(tmp_path)
    assert Path(place).parent == tmp_path / "cache" / "earshot" / "index"
    Path(place).mkdir(parents=True)
    assert find_index(tmp_path) == place
