from __future__ import annotations

import base64

import numpy as np
import pytest
from fastapi.testclient import TestClient

from toy_embedder import ToyEmbedder, tone
from web_calls import message, wav_of

TOY = ToyEmbedder()


def sound_part(content: bytes) -> dict:
    data = base64.b64encode(content).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def test_texts_in_the_openai_shape(client: TestClient) -> None:
    answer = client.post("/v1/embeddings", json={"model": "toy", "input": ["a dog", "rain"]}).json()
    assert set(answer) == {"object", "data", "model", "usage"}
    assert (answer["object"], answer["model"]) == ("list", "toy")
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert [set(each) for each in answer["data"]] == [{"object", "index", "embedding"}] * 2
    rows = np.array([each["embedding"] for each in answer["data"]], np.float32)
    assert rows == pytest.approx(TOY.embed_texts(["a dog", "rain"]), abs=1e-6)


def test_one_text_and_base64(client: TestClient) -> None:
    body = {"model": "toy", "input": "a cat", "encoding_format": "base64"}
    [each] = client.post("/v1/embeddings", json=body).json()["data"]
    row = np.frombuffer(base64.b64decode(each["embedding"]), "<f4")
    assert row == pytest.approx(TOY.embed_texts(["a cat"])[0])


def test_the_openai_client_reads_it(client: TestClient) -> None:
    openai = pytest.importorskip("openai", reason="the openai client is not installed")
    client_of = openai.DefaultHttpxClient
    if not isinstance(client, client_of.__mro__[1]):
        pytest.skip("this version of the openai client takes another HTTP client than starlette's")
    caller = openai.OpenAI(api_key="none", base_url="http://testserver/v1", http_client=client)
    answer = caller.embeddings.create(model="toy", input=["a dog"])
    assert answer.data[0].embedding == pytest.approx(TOY.embed_texts(["a dog"])[0].tolist())


def test_sounds_among_the_inputs(client: TestClient) -> None:
    inputs = ["a dog", sound_part(wav_of("cat", "cat")), "rain"]
    answer = client.post("/v1/embeddings", json={"input": inputs}).json()
    rows = np.array([each["embedding"] for each in answer["data"]])
    assert rows.argmax(axis=1).tolist() == [0, 1, 2]
    assert rows[0] == pytest.approx(TOY.embed_texts(["a dog"])[0], abs=1e-6)


def test_an_uploaded_sound_whole_and_by_windows(client: TestClient) -> None:
    files = {"file": ("x.wav", wav_of("rain", "bell"))}
    [whole] = client.post("/v1/embeddings/file", files=files).json()["data"]
    assert (whole["start_s"], whole["end_s"]) == (0.0, 2.0)
    windows = client.post("/v1/embeddings/file", files=files, data={"windows": "true"}).json()
    assert [(w["start_s"], w["end_s"]) for w in windows["data"]] == [(0.0, 1.0), (1.0, 2.0)]
    rows = np.array([w["embedding"] for w in windows["data"]], np.float32)
    assert rows == pytest.approx(TOY.embed_waveforms([tone("rain"), tone("bell")]), abs=1e-4)
    mean = rows.mean(axis=0)
    assert whole["embedding"] == pytest.approx((mean / np.linalg.norm(mean)).tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": []}, 422, "input"),
        ({"input": [1, 2, 3]}, 422, "input"),
        ({"input": ["x"] * 513}, 422, "input"),
        ({"input": "x", "model": "text-embedding-3-small"}, 400, "one of toy"),
        ({"input": "x", "dimensions": 3}, 400, "dimensions=3"),
        ({"input": "x", "encoding_format": "hex"}, 422, "encoding_format"),
        ({"input": [sound_part(b"no sound")]}, 400, "8 bytes"),
        (
            {"input": [{"type": "input_audio", "input_audio": {"data": "%%"}}]},
            400,
            "no base64",
        ),
    ],
)
def test_bad_requests(client: TestClient, body: dict, status: int, words: str) -> None:
    response = client.post("/v1/embeddings", json=body)
    assert response.status_code == status, response.text
    assert words in message(response)
