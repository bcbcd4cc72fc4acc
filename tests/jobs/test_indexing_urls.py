"""Sounds below a URL: indexed, searched, heard. file:// stands for object storage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.index import Store
from earshot.jobs import loading
from earshot.jobs.indexing import index
from earshot.jobs.search import search, similar
from earshot.jobs.watching import watch
from earshot.web.opening import open_libraries
from toy_embedder import ToyEmbedder, write_tones
from web_calls import serving

NAMES = {
    "pets/dog bark.wav": ("dog",),
    "a#b?c%20d.wav": ("cat", "rain"),
    "grün/bell.flac": ("bell",),
    ".hidden/car.wav": ("car",),
}


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    write_tones(tmp_path / "bucket", NAMES)
    return f"file://{tmp_path}/bucket"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_only_what_changed_is_read_again(bucket: str, place: Path, tmp_path: Path) -> None:
    embedder = ToyEmbedder()
    report = index(bucket, model=embedder, index=place)
    assert (report.added, report.failures) == (3, [])
    assert Store.open(str(place)).root == bucket
    embedder.n_embedded = 0
    write_tones(tmp_path / "bucket", {"pets/dog bark.wav": ("car",), "new.wav": ("bell", "dog")})
    (tmp_path / "bucket" / "grün" / "bell.flac").rename(tmp_path / "bucket" / "moved.flac")
    again = index(f"{bucket}/", model=embedder, index=place)
    counts = (again.added, again.changed, again.reused, again.unchanged, again.removed)
    assert counts == (1, 1, 1, 1, 1)
    assert embedder.n_embedded == 3


def test_hits_are_urls_that_lead_back(bucket: str, place: Path) -> None:
    embedder = ToyEmbedder()
    index(bucket, model=embedder, index=place)
    hit = search("rain", index=place, model=embedder, k=1)[0]
    assert hit.path == f"{bucket}/a%23b%3Fc%2520d.wav"
    assert (hit.name, hit.start_s) == ("a#b?c%20d.wav", 1.0)
    assert search("bark", index=place, model=embedder, k=1)[0].words == ("bark",)
    embedder.n_embedded = 0
    others = [hit.name for hit in similar(hit.path, index=place, model=embedder)]
    assert embedder.n_embedded == 0  # its vectors are those of the index
    assert "a#b?c%20d.wav" not in others
    assert len(others) == 2
    moved = search("cat", index=place, model=embedder, liked=[f"{bucket}/pets/dog bark.wav"])
    assert moved[0].name != search("car", index=place, model=embedder)[0].name


def test_without_a_place_the_index_lies_in_the_cache(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    report = index(bucket, model=ToyEmbedder())
    assert report.index.startswith(str(tmp_path / "cache"))
    assert search("dog", bucket, model=ToyEmbedder(), k=1)[0].name == "pets/dog bark.wav"
    with pytest.raises(EarShotError, match=f"no index on this machine.*earshot index {bucket}x"):
        search("dog", f"{bucket}x", model=ToyEmbedder())


def test_a_slip_in_the_url_forgets_nothing(bucket: str, place: Path) -> None:
    index(bucket, model=ToyEmbedder(), index=place)
    with pytest.raises(EarShotError, match="nothing lies"):
        index(f"{bucket}s", model=ToyEmbedder(), index=place)
    assert Store.open(str(place)).n_files == 3


def test_a_sound_that_cannot_be_decoded_is_listed(bucket: str, place: Path, tmp_path: Path) -> None:
    (tmp_path / "bucket" / "broken.wav").write_bytes(b"RIFF no sound")
    report = index(bucket, model=ToyEmbedder(), index=place)
    assert report.added == 3
    assert [str(each.path) for each in report.failures] == [f"{bucket}/broken.wav"]


def test_what_needs_files_of_this_machine_says_so(bucket: str, place: Path) -> None:
    with pytest.raises(EarShotError, match="--watch of file://"):
        next(watch(bucket, model=ToyEmbedder(), index_at=place))
    with pytest.raises(EarShotError, match="--data"):
        index(bucket, model=ToyEmbedder(), index=place, data="manifest.csv")


def test_the_commands_take_urls(bucket: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda model, **options: ToyEmbedder())
    run = CliRunner().invoke
    done = run(app, ["index", bucket, "--index", str(place)], catch_exceptions=False)
    assert done.exit_code == 0
    found = run(app, ["search", "dog", "--index", str(place), "--json"], catch_exceptions=False)
    assert json.loads(found.stdout.splitlines()[0])["path"] == f"{bucket}/pets/dog%20bark.wav"


def test_the_page_plays_them(bucket: str, place: Path, tmp_path: Path) -> None:
    index(bucket, model=ToyEmbedder(), index=place)
    with serving(open_libraries(indexes=[str(place)], models=[ToyEmbedder()])) as client:
        assert _play(client, "dog") == (tmp_path / "bucket/pets/dog bark.wav").read_bytes()
        write_tones(tmp_path / "bucket", {"pets/dog bark.wav": ("cat", "cat")})
        assert _play(client, "dog") == (tmp_path / "bucket/pets/dog bark.wav").read_bytes()
        (tmp_path / "bucket/pets/dog bark.wav").unlink()
        url = f"/v1/sounds/{_best(client, 'dog')}/audio"
        gone = client.get(url)
        assert gone.status_code == 404
        assert "pets/dog bark.wav" in gone.json()["error"]["message"]


def _best(client: TestClient, text: str) -> str:
    return client.post("/v1/search", json={"text": text, "k": 1}).json()["hits"][0]["id"]


def _play(client: TestClient, text: str) -> bytes:
    answer = client.get(f"/v1/sounds/{_best(client, text)}/audio")
    assert answer.status_code == 200, answer.text
    return answer.content
