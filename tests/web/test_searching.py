from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi.testclient import TestClient

from earshot.web.app import create_app
from earshot.web.library import Library
from earshot.web.searching import _round
from web_calls import message, serving, wav_of


def search(client: TestClient, **body) -> dict:
    response = client.post("/v1/search", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_words_find_the_sound_and_say_where(client: TestClient) -> None:
    answer = search(client, text="a bell", k=3)
    assert [hit["path"] for hit in answer["hits"][:2]] == ["0001.wav", "weather/long.wav"]
    long = answer["hits"][1]
    assert (long["start_s"], long["end_s"], long["duration_s"]) == (2.0, 3.0, 4.0)
    assert long["score"] > 0.99
    assert answer["model"] == "toy"
    assert answer["searched"] == 11  # windows
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]


def test_words_of_the_name_are_told(client: TestClient) -> None:
    best = search(client, text="dog bark")["hits"][0]
    assert best["path"] == "pets/dog bark.wav"
    assert best["words"] == ["dog", "bark"]
    assert best["meaning"].startswith("named dog, bark")


def test_a_filter_and_k(client: TestClient) -> None:
    answer = search(client, text="rain", where="duration > 3")
    assert [hit["path"] for hit in answer["hits"]] == ["weather/long.wav"]
    assert len(search(client, text="rain", k=2)["hits"]) == 2
    assert search(client, text="rain", where="duration_s > 1000")["hits"] == []


def test_like_a_sound_leaves_it_out_and_takes_the_window(client: TestClient) -> None:
    long = search(client, text="bell", where="duration > 3")["hits"][0]
    whole = search(client, like={"id": long["id"]})["hits"]
    part = search(client, like={"id": long["id"], "start_s": 2.0})["hits"]
    assert whole[0]["path"] == "weather/rain.wav"
    assert part[0]["path"] == "0001.wav"
    assert long["id"] not in {hit["id"] for hit in whole}


def test_an_uploaded_sound_finds_its_like(client: TestClient) -> None:
    answer = client.post(
        "/v1/search/file", files={"file": ("x.wav", wav_of("car"))}, data={"k": "2"}
    ).json()
    assert [hit["path"] for hit in answer["hits"]] == ["0002.aiff", "0003.wav"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "either text or like"),
        ({"text": "x", "like": {"id": "0-" + "0" * 16}}, 422, "either text or like"),
        ({"text": "  "}, 422, "at least one word"),
        ({"text": "\u0007"}, 400, "an empty query"),
        ({"text": "x", "k": 0}, 422, "greater than or equal to 1"),
        ({"text": "x", "k": 1_001}, 422, "less than or equal to 1000"),
        ({"text": "x" * 10_001}, 422, "at most 10000 characters"),
        ({"text": "x", "wher": "y"}, 422, "wher"),
        ({"text": "x", "model": "to"}, 400, "Did you mean 'toy'?"),
        ({"text": "x", "where": "duration >"}, 400, "--where"),
        ({"text": "x", "where": "nothing = 1"}, 400, "a filter that cannot be run"),
        ({"text": "x", "where": "(" * 2_000}, 400, "a filter that cannot be run"),
        ({"text": "x", "where": "'"}, 400, "a filter that cannot be run"),
        ({"text": "x", "where": "\u0000"}, 400, "a filter that cannot be run"),
        ({"text": "x", "where": "duration_s"}, 400, "a filter that cannot be run"),
        ({"text": "x", "where": "1 / 0 = 1"}, 400, "a filter that cannot be run"),
        ({"like": {"id": "0-" + "0" * 16}}, 404, "the sound id"),
        ({"like": {"id": "7-" + "0" * 16}}, 404, "sound id"),
        ({"like": {"id": "../../etc/passwd"}}, 422, "pattern"),
    ],
)
def test_bad_requests_get_one_sentence(
    client: TestClient, body: dict, status: int, words: str
) -> None:
    response = client.post("/v1/search", json=body)
    assert response.status_code == status, response.text
    assert words in message(response)


def test_malformed_json_gets_a_sentence(client: TestClient) -> None:
    for content in (b"{", b"\xff\xfe", b"[" * 100_000, b'{"text": "\\ud800"}', b"", b"null"):
        response = client.post(
            "/v1/search", content=content, headers={"content-type": "application/json"}
        )
        assert response.status_code in (400, 422), (content[:20], response.text)
        assert message(response)


def test_sounds_that_cannot_be_used_get_a_sentence_with_their_name(client: TestClient) -> None:
    for content, words in ((b"", "empty"), (b"no sound at all " * 100, "noise.wav")):
        response = client.post("/v1/search/file", files={"file": ("../../noise.wav", content)})
        assert response.status_code == 400
        assert words in message(response)
        assert "noise.wav" in message(response)


def test_tags_of_an_uploaded_sound(client: TestClient) -> None:
    files = {"file": ("x.wav", wav_of("dog", "dog"))}
    answer = client.post("/v1/tag", files=files, data={"labels": ["cat, dog", "rain"]}).json()
    assert answer["labels"][0]["label"] == "dog"
    assert {label["label"] for label in answer["labels"]} == {"cat", "dog", "rain"}
    assert sum(label["score"] for label in answer["labels"]) == pytest.approx(1.0)
    assert answer["duration_s"] == 2.0
    everyday = client.post("/v1/tag", files=files).json()
    assert len(everyday["labels"]) > 50
    assert "dog" in everyday["labels"][0]["label"]


def test_too_many_labels_and_doubles_are_refused(client: TestClient) -> None:
    files = {"file": ("x.wav", wav_of("dog"))}
    many = ",".join(f"label {i}" for i in range(1_001))
    response = client.post("/v1/tag", files=files, data={"labels": many})
    assert (response.status_code, "at most 1,000" in message(response)) == (400, True)
    response = client.post("/v1/tag", files=files, data={"labels": ["dog", "dog"]})
    assert "twice" in message(response)


def test_chances_are_told_in_round_numbers() -> None:
    assert [_round(value) for value in (5.2, 14, 16, 12_345, 9_990)] == [5, 10, 20, 10_000, 10_000]


def test_thirty_two_at_once_get_what_each_gets_alone(libraries: list[Library]) -> None:
    queries = [f"{word} number {i}" for i in range(8) for word in ("dog", "cat", "rain", "bell")]

    async def ask_all(http: httpx.AsyncClient) -> list[list[tuple[str, float]]]:
        async def ask(text: str) -> list[tuple[str, float]]:
            answer = (await http.post("/v1/search", json={"text": text})).json()
            return [(hit["path"], hit["score"]) for hit in answer["hits"]]

        return await asyncio.gather(*map(ask, queries))

    async def within() -> list[list[tuple[str, float]]]:
        transport = httpx.ASGITransport(create_app(libraries))
        async with httpx.AsyncClient(transport=transport, base_url="http://t", timeout=120) as http:
            return await ask_all(http)

    together = asyncio.run(within())
    with serving(libraries) as client:
        for text, found in zip(queries, together, strict=True):
            alone = search(client, text=text)["hits"]
            assert [path for path, _ in found] == [hit["path"] for hit in alone]
            assert [score for _, score in found] == pytest.approx([hit["score"] for hit in alone])
