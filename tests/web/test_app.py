from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import earshot
from earshot.core.errors import EarShotError
from earshot.jobs.indexing import index
from earshot.web.app import create_app
from earshot.web.library import Library
from earshot.web.opening import open_libraries
from toy_embedder import ToyEmbedder, write_tones
from web_calls import message, serving, wav_of


class Deaf(ToyEmbedder):
    """A second model, which takes every sound for its first word's neighbour."""

    name = "/models/deaf"

    def __init__(self) -> None:
        super().__init__("de" * 8)

    def embed_texts(self, texts):
        return super().embed_texts(texts)[:, [1, 2, 3, 4, 0, 5]]


def test_health_models_and_the_page(client: TestClient) -> None:
    health = client.get("/v1/health").json()
    assert (health["status"], health["version"]) == ("ok", earshot.__version__)
    assert (health["models"], health["n_sounds"]) == (["toy"], 7)
    models = client.get("/v1/models").json()
    assert [(each["id"], each["n_windows"]) for each in models["data"]] == [("toy", 11)]
    assert models["limits"] == {"max_upload_mb": 50.0, "max_sound_s": 600.0}
    page = client.get("/")
    assert "<title>EarShot</title>" in page.text
    assert "//" not in page.text.replace("<!doctype", "")  # nothing is loaded from elsewhere
    for name in ("app.js", "style.css", "icon.svg"):
        assert client.get(f"/static/{name}").status_code == 200
    assert client.get("/docs").status_code == 404


def test_faults_of_the_address_are_sentences(client: TestClient) -> None:
    nothing = client.get("/v1/nothing")
    assert (nothing.status_code, "/v1/nothing" in message(nothing)) == (404, True)
    method = client.get("/v1/search")
    assert (method.status_code, "GET" in message(method)) == (405, True)


def test_a_fault_of_ours_shows_no_traceback(
    libraries: list[Library], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self, *args, **kwargs):
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(Library, "search", broken)
    with serving(libraries) as client:
        response = client.post("/v1/search", json={"text": "dog"})
        assert 'status="500"' in client.get("/metrics").text
    assert response.status_code == 500
    assert "secret" not in message(response)
    assert "secret words" in caplog.text
    mark = message(response).rstrip(".").rpartition(" ")[2]
    assert mark in caplog.text
    assert response.headers["x-content-type-options"] == "nosniff"


def test_two_models_of_one_folder_side_by_side(tmp_path: Path) -> None:
    write_tones(tmp_path, {f"{word}.wav": (word,) for word in ("dog", "cat", "rain")})
    for model in (ToyEmbedder(), Deaf()):
        index(tmp_path, model=model)
    libraries = open_libraries(tmp_path, models=[ToyEmbedder(), Deaf()])
    assert [each.name for each in libraries] == ["toy", "deaf"]
    with serving(libraries) as client:
        assert client.get("/v1/models").json()["n_sounds"] == 3

        def best(model: str, **query) -> tuple[str, str]:
            body = {"model": model, **query}
            hit = client.post("/v1/search", json=body).json()["hits"][0]
            return hit["path"], hit["id"]

        assert best("toy", text="a meowing cat")[0] == "cat.wav"
        path, key = best("toy", text="a barking dog")
        assert path == "dog.wav"
        assert best("deaf", like={"id": key})[1] != key
        assert best("deaf", text="wailing dogs")[0] == "dog.wav"


def test_two_folders_keep_their_sounds_apart(tmp_path: Path) -> None:
    write_tones(tmp_path, {"a/1.wav": ("dog",), "b/1.wav": ("rain",)})
    for folder in ("a", "b"):
        index(tmp_path / folder, model=ToyEmbedder())
    places = [str(tmp_path / folder / ".earshot") for folder in ("a", "b")]
    with serving(open_libraries(indexes=places, models=[ToyEmbedder()])) as client:
        found = {}
        for name in ("toy@a", "toy@b"):
            body = {"text": "dog", "model": name}
            found[name] = client.post("/v1/search", json=body).json()["hits"][0]["id"]
        assert found["toy@a"] != found["toy@b"]
        for name, folder in (("toy@a", "a"), ("toy@b", "b")):
            served = client.get(f"/v1/sounds/{found[name]}/audio").content
            assert served == (tmp_path / folder / "1.wav").read_bytes()
        like = {"model": "toy@b", "like": {"id": found["toy@a"], "start_s": 0.0}}
        hits = client.post("/v1/search", json=like).json()["hits"]
        assert [hit["id"] for hit in hits] == [found["toy@b"]]


def test_figures_for_prometheus(libraries: list[Library]) -> None:
    with serving(libraries) as client:
        client.post("/v1/search", json={"text": "dog"})
        client.post("/v1/search", json={})
        client.post("/v1/search/file", files={"file": ("x.wav", wav_of("dog", "cat"))})
        client.get("/v1/no/such/place")
        text = client.get("/metrics").text
    for line in (
        'earshot_requests_total{method="POST",route="/v1/search",status="200"} 1.0',
        'earshot_requests_total{method="POST",route="/v1/search",status="422"} 1.0',
        'earshot_requests_total{method="GET",route="other",status="404"} 1.0',
        'earshot_model_batch_items_sum{kind="text",model="toy"} 1.0',
        'earshot_model_batch_items_sum{kind="audio",model="toy"} 2.0',
        'earshot_sounds{model="toy"} 7.0',
        'earshot_request_seconds_count{route="/v1/search/file"} 1.0',
    ):
        assert line in text, text


def test_without_an_index_there_is_a_mend(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="earshot index"):
        open_libraries(tmp_path)
    (tmp_path / ".earshot").mkdir()
    with pytest.raises(EarShotError, match="holds no index"):
        open_libraries(tmp_path)
    with pytest.raises(EarShotError, match="no index"):
        create_app([])
