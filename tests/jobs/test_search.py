from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.indexing import index
from earshot.jobs.search import clean_query, open_index, search, similar
from toy_embedder import TONES, ToyEmbedder, write_tones

MODEL = ToyEmbedder()


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    names = {f"{i:03d}.wav": (word,) for i, word in enumerate([*TONES] * 6)}
    write_tones(folder, names | {"long.wav": ("dog", "dog", "bell", "dog")})
    index(folder, model=MODEL)
    return folder


def test_words_find_their_sound(sounds: Path) -> None:
    for number, word in enumerate(TONES):
        found = search(f"the sound of a {word}", sounds, model=MODEL, k=6)
        right = {f"{i:03d}.wav" for i in range(number, 30, 5)} | {"long.wav"}
        assert {hit.path.name for hit in found} <= right
        assert [hit.rank for hit in found] == [1, 2, 3, 4, 5, 6]


def test_a_hit_in_a_long_file_says_where(sounds: Path) -> None:
    found = search("bell", sounds, model=MODEL, where="duration > 2")
    assert [(hit.path.name, hit.start_s, hit.end_s) for hit in found] == [("long.wav", 2.0, 3.0)]
    assert found[0].score == pytest.approx(1.0, abs=0.01)


def test_the_index_of_a_folder_above_is_found(
    sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sounds / "inner").mkdir(exist_ok=True)
    monkeypatch.chdir(sounds / "inner")
    assert len(search("dog", model=MODEL)) == 10


def test_every_mend_of_a_search(sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="empty query"):
        search(" \x00\t ", sounds, model=MODEL)
    with pytest.raises(EarShotError, match="k=0"):
        search("dog", sounds, model=MODEL, k=0)
    with pytest.raises(EarShotError, match="earshot index"):
        search("dog", tmp_path, model=MODEL)
    with pytest.raises(EarShotError, match="--model toy"):
        search("dog", sounds, model=ToyEmbedder("cd" * 8))
    with pytest.raises(EarShotError, match="a condition on"):
        search("dog", sounds, model=MODEL, where="loudness > 3")


@pytest.mark.parametrize(
    "query",
    ["dog " * 25_000, "狗叫", "كلب", "dog\x00\x07\ud800", "'; DROP TABLE sounds; --", "(dog", '"'],
)
def test_any_text_is_a_query(sounds: Path, query: str) -> None:
    assert len(search(query, sounds, model=MODEL, k=3)) == 3


def test_a_query_is_cleaned() -> None:
    assert clean_query("  a\tdog\x07 barks\n") == "a dog barks"


def test_a_model_that_changed_under_its_name_is_refused(
    sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.jobs.search.as_embedder", lambda name, **_: ToyEmbedder("cd" * 8))
    with pytest.raises(EarShotError, match="changed since the index was made.*Index again"):
        open_index(sounds, None, None)


def test_a_sound_that_cannot_be_read_is_a_sentence(sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(EarShotError):
        similar(tmp_path / "nothing.wav", sounds, model=MODEL)
