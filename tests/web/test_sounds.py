from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from earshot.audio import write_audio
from earshot.jobs.indexing import index
from earshot.web.opening import open_libraries
from toy_embedder import RATE, ToyEmbedder, tone, write_tones
from web_calls import describe, message, serving


def ids(client: TestClient) -> dict[str, str]:
    hits = client.post("/v1/search", json={"text": "dog", "k": 100}).json()["hits"]
    return {hit["path"]: hit["id"] for hit in hits}


def test_a_wav_comes_as_it_is_and_by_ranges(client: TestClient, sounds: Path) -> None:
    url = f"/v1/sounds/{ids(client)['weather/rain.wav']}/audio"
    whole = client.get(url)
    assert whole.content == (sounds / "weather/rain.wav").read_bytes()
    assert whole.headers["content-type"] == "audio/wav"
    part = client.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert client.get(url, headers={"Range": "bytes=999999999-"}).status_code == 416


def test_what_browsers_do_not_play_is_rewritten(client: TestClient) -> None:
    url = f"/v1/sounds/{ids(client)['0002.aiff']}/audio"
    for _ in range(2):
        response = client.get(url)
        assert response.headers["content-type"] == "audio/wav"
        waveform, rate = soundfile.read(io.BytesIO(response.content))
        assert rate == RATE
        assert waveform == pytest.approx(tone("car"), abs=2e-4)
    part = client.get(url, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")


def test_a_part_is_cut_out(client: TestClient) -> None:
    url = f"/v1/sounds/{ids(client)['weather/long.wav']}/audio"
    response = client.get(url, params={"start_s": 2.0, "end_s": 3.0})
    waveform, _ = soundfile.read(io.BytesIO(response.content))
    assert len(waveform) == pytest.approx(RATE, abs=2)
    assert waveform[: RATE // 2] == pytest.approx(tone("bell")[: RATE // 2], abs=2e-4)
    for bad in ({"start_s": 2.0}, {"start_s": 2, "end_s": 1}, {"start_s": 0, "end_s": 900}):
        refused = client.get(url, params=bad)
        assert refused.status_code == 400
        assert message(refused)
    beyond = client.get(url, params={"start_s": 50, "end_s": 51})
    assert beyond.status_code == 400
    assert "weather/long.wav" in message(beyond)


def test_the_picture_shows_the_tone_where_it_is(client: TestClient) -> None:
    url = f"/v1/sounds/{ids(client)['weather/long.wav']}/picture"
    picture = client.get(url, params={"start_s": 1.0, "end_s": 3.0}).json()
    mel = np.frombuffer(base64.b64decode(picture["mel"]), np.uint8)
    mel = mel.reshape(picture["mel_bins"], -1)
    left, right = mel[:, : mel.shape[1] // 3], mel[:, -(mel.shape[1] // 3) :]
    assert left.mean(axis=1).argmax() < right.mean(axis=1).argmax()  # rain 800 Hz, bell 1,600 Hz
    assert max(picture["peaks"]) == pytest.approx(0.5, abs=0.05)


def test_no_id_leads_to_a_file_outside_the_index(client: TestClient) -> None:
    for bad in ("..%2F..%2Fetc%2Fpasswd", "0-..", "%00", "0-" + "g" * 16, "99999-" + "0" * 16):
        for what in ("audio", "picture"):
            response = client.get(f"/v1/sounds/{bad}/{what}")
            assert response.status_code in (404, 422), bad
            assert message(response)
    for path in ("/static/../about.py", "/static/%2e%2e/about.py", "/static//etc/passwd"):
        assert client.get(path).status_code in (404, 405), path


def test_links_out_of_the_folder_and_gone_files_are_refused(tmp_path: Path) -> None:
    folder, secret = tmp_path / "sounds", tmp_path / "secret.wav"
    write_tones(folder, {"dog.wav": ("dog",), "gone.wav": ("cat",), "broken.aiff": ("rain",)})
    write_audio(secret, tone("bell"), RATE)
    (folder / "link.wav").symlink_to(secret)
    index(folder, model=ToyEmbedder())
    (folder / "gone.wav").unlink()
    (folder / "broken.aiff").write_bytes(b"FORM")
    with serving(open_libraries(folder, models=[ToyEmbedder()])) as client:
        known = ids(client)
        for what in ("audio", "picture"):
            link = client.get(f"/v1/sounds/{known['link.wav']}/{what}")
            assert (link.status_code, "leads out of" in message(link)) == (403, True)
            gone = client.get(f"/v1/sounds/{known['gone.wav']}/{what}")
            assert (gone.status_code, "no longer there" in message(gone)) == (404, True)
            broken = client.get(f"/v1/sounds/{known['broken.aiff']}/{what}")
            assert (broken.status_code, "got broken.aiff" in message(broken)) == (400, True)
        assert client.get(f"/v1/sounds/{known['dog.wav']}/audio").status_code == 200


def test_facets_count_and_their_filters_let_through_as_many(tmp_path: Path) -> None:
    write_tones(tmp_path, {"a/x/1.wav": ("dog",), "a/2.wav": ("cat",), "o'b/3.wav": ("rain",) * 6})
    index(tmp_path, model=ToyEmbedder())
    describe(tmp_path, "a/2.wav", tags=["it's a cat"], caption="A cat.")
    with serving(open_libraries(tmp_path, models=[ToyEmbedder()])) as client:
        groups = client.get("/v1/facets").json()["groups"]
        counts = {g["title"]: {e["name"]: e["count"] for e in g["entries"]} for g in groups}
        assert counts == {
            "Tags": {"it's a cat": 1},
            "Folders": {"a": 2, "a/x": 1, "o'b": 1},
            "Length": {"1 to 5 s": 2, "5 to 30 s": 1},
        }
        for group in groups:
            for entry in group["entries"]:
                body = {"text": "dog", "k": 100, "where": entry["where"]}
                hits = client.post("/v1/search", json=body).json()["hits"]
                assert len(hits) == entry["count"], entry


def test_the_map_has_every_sound_in_the_unit_square(client: TestClient) -> None:
    answer = client.get("/v1/map").json()
    assert {point["path"] for point in answer["points"]} == set(ids(client))
    assert answer["n_sounds"] == len(answer["points"])
    assert all(0 <= point["x"] <= 1 and 0 <= point["y"] <= 1 for point in answer["points"])
    groups = {point["path"]: point["group"] for point in answer["points"]}
    assert groups["weather/rain.wav"] == "weather"


def test_a_new_file_is_found_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.web.library.REFRESH_S", 0.0)
    write_tones(tmp_path, {"dog.wav": ("dog",)})
    index(tmp_path, model=ToyEmbedder())
    with serving(open_libraries(tmp_path, models=[ToyEmbedder()])) as client:
        assert set(ids(client)) == {"dog.wav"}
        assert len(client.get("/v1/map").json()["points"]) == 1
        write_tones(tmp_path, {"new/cat.wav": ("cat",)})
        (tmp_path / "dog.wav").unlink()
        index(tmp_path, model=ToyEmbedder())
        assert set(ids(client)) == {"new/cat.wav"}
        assert [p["path"] for p in client.get("/v1/map").json()["points"]] == ["new/cat.wav"]
        shutil.rmtree(tmp_path / "new")
        index(tmp_path, model=ToyEmbedder())
        assert ids(client) == {}
        assert client.get("/v1/map").json()["points"] == []
