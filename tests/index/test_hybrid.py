from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from earshot.index import FileRows, IndexSettings, KnownFile, Store, hybrid
from earshot.index.hybrid import WORD_WEIGHT, find
from earshot.index.scores import Background
from earshot.index.words import matches, query_words, words_of

DIM = 32
QUERY = np.eye(DIM, dtype=np.float32)[0]


def at_cosine(cosines: list[float], seed: int) -> np.ndarray:
    """Unit vectors [n, dim] whose cosines to QUERY are these."""
    rest = np.random.default_rng(seed).normal(size=(len(cosines), DIM))
    rest[:, 0] = 0
    rest /= np.linalg.norm(rest, axis=1, keepdims=True)
    c = np.array(cosines)[:, None]
    return (c * QUERY + np.sqrt(1 - c**2) * rest).astype(np.float32)


def sound(path: str, cosines: list[float], **more) -> FileRows:
    starts = np.arange(len(cosines), dtype=np.float64)
    vectors = at_cosine(cosines, seed=len(path))
    known = KnownFile(1, 1, path, **more)
    return FileRows(path, known, float(len(cosines)), starts, starts + 1, vectors)


def store_of(tmp_path: Path, files: list[FileRows], **settings) -> Store:
    store = Store.create(
        str(tmp_path / ".earshot"), IndexSettings("toy", "a" * 16, DIM, 1.0, 1.0, "..")
    )
    store.put(files, replace=False)
    return store


def opaque(n: int = 60) -> list[FileRows]:
    """Sounds of numbers for names, whose cosines are spread as a normal background's are."""
    bell = NormalDist(0.1, 0.05)
    order = np.random.default_rng(5).permutation(n)
    return [sound(f"{i:04d}.wav", [bell.inv_cdf((c + 0.5) / n)]) for i, c in enumerate(order)]


def test_on_opaque_names_the_order_is_that_of_the_cosine(tmp_path: Path) -> None:
    store = store_of(tmp_path, opaque())
    found = find(store, QUERY, words=["dog", "barking"], k=60)
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.rank for hit in found.hits] == list(range(1, 61))
    assert len({hit.path for hit in found.hits}) == 60


def test_a_hit_says_where_in_the_file(tmp_path: Path) -> None:
    store = store_of(tmp_path, [sound("long.wav", [0.1, 0.2, 0.9, 0.3]), sound("b.wav", [0.5])])
    hits = find(store, QUERY).hits
    assert [(hit.path.name, hit.start_s, hit.end_s) for hit in hits] == [
        ("long.wav", 2.0, 3.0),
        ("b.wav", 0.0, 1.0),
    ]
    assert hits[0].path == tmp_path / "long.wav"
    assert hits[0].score == pytest.approx(0.9, abs=1e-6)
    every = find(store, QUERY, every_window=True).hits
    assert [hit.score for hit in every] == pytest.approx([0.9, 0.5, 0.3, 0.2, 0.1], abs=1e-6)


def test_names_that_say_it_go_first_and_the_hit_tells_why(tmp_path: Path) -> None:
    files = [*opaque(), sound("drums/kick_01.wav", [0.1]), sound("kicking/x.wav", [0.12])]
    store = store_of(tmp_path, files)
    hits = find(store, QUERY, words=["kick"], k=3).hits
    assert [hit.path.name for hit in hits[:2]] == ["x.wav", "kick_01.wav"]
    assert hits[0].words == ("kick",)
    assert hits[0].words_part == pytest.approx(WORD_WEIGHT)
    assert hits[0].fused == hits[0].sound_part + hits[0].words_part
    assert hits[2].words == ()
    without = find(store, QUERY, k=3).hits
    assert all(not hit.words for hit in without)


def test_a_rare_word_is_worth_more_than_a_common_one(tmp_path: Path) -> None:
    files = [sound(f"rain/{i}.wav", [0.1]) for i in range(30)] + [sound("tin.wav", [0.1])]
    hits = find(store_of(tmp_path, files), QUERY, words=["tin", "rain"], k=31).hits
    assert hits[0].path.name == "tin.wav"
    assert hits[0].words_part > 2 * hits[1].words_part > 0


def test_a_word_of_too_many_files_is_worth_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hybrid, "N_WORD_HITS", 20)
    files = [sound(f"clip {i}.wav", [0.1 + i / 100]) for i in range(40)]
    hits = find(store_of(tmp_path, files), QUERY, words=["clip"], k=40).hits
    assert {hit.words_part for hit in hits} == {0.0}
    assert hits[0].path.name == "clip 39.wav"


def test_captions_and_tags_are_words_too(tmp_path: Path) -> None:
    files = [
        *opaque(),
        sound("q1.wav", [0.1], tags=("siren",)),
        sound("q2.wav", [0.1], caption="A whale"),
    ]
    store = store_of(tmp_path, files)
    assert find(store, QUERY, words=["sirens"], k=1).hits[0].tags == ("siren",)
    assert find(store, QUERY, words=["whales"], k=1).hits[0].caption == "A whale"


def test_scores_are_measured_against_the_rest_of_the_index(tmp_path: Path) -> None:
    quiet = store_of(tmp_path / "a", opaque(200))
    assert not find(quiet, QUERY).stands_out
    loud = store_of(tmp_path / "b", [*opaque(200), sound("x.wav", [0.6])])
    found = find(loud, QUERY)
    assert found.stands_out
    best = found.hits[0]
    assert best.z == pytest.approx((best.score - found.background.centre) / found.background.spread)
    assert best.z is not None
    assert best.z > 5
    assert best.false_alarm is not None
    assert best.false_alarm < 1e-6


def test_few_sounds_give_no_chance_figures(tmp_path: Path) -> None:
    found = find(store_of(tmp_path, opaque(5)), QUERY)
    assert {(hit.z, hit.false_alarm) for hit in found.hits} == {(None, None)}
    assert found.stands_out
    assert not find(store_of(tmp_path / "none", []), QUERY).hits


def test_background_is_that_of_the_sounds_that_do_not_fit() -> None:
    rng = np.random.default_rng(0)
    background = Background.of(np.append(rng.normal(0.1, 0.05, 900), np.full(100, 0.8)))
    assert background.centre == pytest.approx(0.1, abs=0.02)
    assert background.spread == pytest.approx(0.05, abs=0.015)
    assert background.false_alarm(background.centre) == 0.5


def test_the_approximate_path_finds_the_same(tmp_path: Path) -> None:
    files = [*opaque(600), sound("best.wav", [0.1, 0.8]), sound("rooster/z.wav", [0.1])]
    store = store_of(tmp_path, files)
    exact = find(store, QUERY, words=["rooster"], k=5)
    store.exact_rows = 300
    store.compact()
    assert not store.is_exact
    near = find(store, QUERY, words=["rooster"], k=5)
    assert [hit.path for hit in near.hits] == [hit.path for hit in exact.hits]
    assert near.hits[0].path.name in ("best.wav", "z.wav")


def test_equal_scores_keep_the_order_of_the_names(tmp_path: Path) -> None:
    one = sound("a.wav", [0.5])
    files = [
        FileRows(name, one.known, 1.0, one.start_s, one.end_s, one.vectors)
        for name in ("c.wav", "a.wav", "b.wav")
    ]
    hits = find(store_of(tmp_path, files), QUERY, k=2).hits
    assert [hit.path.name for hit in hits] == ["a.wav", "b.wav"]


def test_a_filter_and_a_left_out_file(tmp_path: Path) -> None:
    store = store_of(
        tmp_path, [sound("a.wav", [0.9, 0.8]), sound("b.wav", [0.5]), sound("c.wav", [0.4])]
    )
    assert [hit.path.name for hit in find(store, QUERY, without="a.wav").hits] == ["b.wav", "c.wav"]
    assert [hit.path.name for hit in find(store, QUERY, where="duration > 1").hits] == ["a.wav"]


def test_words() -> None:
    assert words_of("dogs/BigDog_barking-02é") == ["dogs", "big", "dog", "barking", "02", "e"]
    assert words_of("狗叫") == ["狗", "叫"]
    assert query_words("The sound of a dog, a DOG barking") == ["dog", "barking"]
    assert query_words("\x00\x07 !?") == []
    assert query_words("dog " * 25_000 + "cat") == ["dog"]
    assert len(query_words(" ".join(map(str, range(5_000))))) == 64
    assert matches(["running", "dog"], ["runs", "cat"]) == ["running"]
    assert matches(["sing"], ["s"]) == []
