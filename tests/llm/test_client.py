from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="needs pip install 'earshot[llm]'")

from earshot.core.errors import EarShotError
from earshot.llm import AudioPart, LlmClient, LlmConfig, user
from earshot.llm.client import LlmError, read_json
from llm.fake_server import serving


def client_of(url: str, cache: Path | None = None, waits: list[float] | None = None, **settings):
    config = LlmConfig(url, "toy", **{"retries": 2, "backoff_s": 0.5, **settings})
    return LlmClient(config, cache, wait=(waits if waits is not None else []).append)


def test_an_answer_is_paid_for_once(tmp_path: Path) -> None:
    with serving(lambda body: f"answer {len(body['messages'])}") as server:
        client = client_of(server.url, tmp_path)
        first = client.ask([user("hello")])
        assert (first.text, first.cached) == ("answer 1", False)
        again = client_of(server.url, tmp_path)  # another process
        assert again.ask([user("hello")]).cached
        assert not again.ask([user("hello")], take=1).cached  # another draw
        assert not again.ask([user("hello!")]).cached
        warmer = client_of(server.url, tmp_path, temperature=0.7)
        assert not warmer.ask([user("hello")]).cached
    assert len(server.requests) == 4
    assert (client.usage.calls, client.usage.prompt_tokens, client.usage.completion_tokens) == (
        1,
        7,
        3,
    )
    assert str(again.usage) == (
        "2 calls (0 retries), 1 answers from the cache, 14 tokens in and 6 out"
    )
    sent = server.requests[0]
    assert (sent["model"], sent["temperature"], sent["top_p"]) == ("toy", 0.4, 1.0)
    assert sent["messages"] == [{"role": "user", "content": "hello"}]


def test_a_damaged_answer_on_disk_is_asked_for_again(tmp_path: Path) -> None:
    with serving(lambda body: "fine") as server:
        client_of(server.url, tmp_path).ask([user("hello")])
        (kept,) = tmp_path.rglob("*.json")
        kept.write_text('{"text": "half')
        assert not client_of(server.url, tmp_path).ask([user("hello")]).cached


def test_it_waits_as_it_is_told_and_doubles_where_it_is_not() -> None:
    faults = [(429, {"retry-after": "3"}), (503, {}), (500, {})]
    waits: list[float] = []
    with serving(lambda body: faults.pop(0) if faults else "at last") as server:
        client = client_of(server.url, waits=waits, retries=3, backoff_s=1.0)
        assert client.ask([user("hello")]).text == "at last"
    assert waits[0] == 3
    assert 1.5 <= waits[1] <= 2.5  # the second retry: 1 s doubled
    assert 3.0 <= waits[2] <= 5.0
    assert client.usage.retries == 3


def test_no_wait_is_longer_than_allowed() -> None:
    waits: list[float] = []
    with serving(lambda body: (429, {"retry-after": "86400"})) as server:
        client = client_of(server.url, waits=waits, retries=1, longest_backoff_s=9.0)
        with pytest.raises(LlmError, match=r"HTTP 429 \(not now\).*2 times"):
            client.ask([user("hello")])
    assert waits == [9.0]


@pytest.mark.parametrize(
    ("status", "mend"), [(401, "EARSHOT_LLM_API_KEY"), (403, "may use"), (404, "/v1/models")]
)
def test_what_no_request_gets_past_ends_at_once(status: int, mend: str) -> None:
    with serving(lambda body: (status, {})) as server:
        client = client_of(server.url)
        with pytest.raises(EarShotError, match=mend) as fault:
            client.ask([user("hello")])
    assert not isinstance(fault.value, LlmError)  # it ends a job of many requests
    assert len(server.requests) == 1


def test_a_request_that_is_refused_is_not_sent_again() -> None:
    with serving(lambda body: (400, {})) as server, pytest.raises(LlmError, match="HTTP 400"):
        client_of(server.url).ask([user("hello")])
    assert len(server.requests) == 1


def test_empty_and_cut_answers_are_no_answers(tmp_path: Path) -> None:
    with serving(lambda body: "  ") as server, pytest.raises(LlmError, match="an empty answer"):
        client_of(server.url, tmp_path).ask([user("hello")])
    assert len(server.requests) == 3
    cut = {"message": {"role": "assistant", "content": "half an"}, "finish_reason": "length"}
    with serving(lambda body: cut) as server, pytest.raises(LlmError, match="Raise max_tokens"):
        client_of(server.url, tmp_path).ask([user("hello")])
    assert len(server.requests) == 1
    assert not list(tmp_path.rglob("*.json"))


def test_an_endpoint_that_is_not_there_is_a_sentence() -> None:
    client = client_of("http://127.0.0.1:9/v1", retries=1)
    with pytest.raises(LlmError, match="no answer.*2 times"):
        client.ask([user("hello")])


def test_json_is_asked_for_until_it_has_what_is_required() -> None:
    answers = ["no json", '{"other": 1}', '```json\n{"captions": ["a"]}\n```']
    schema = {"type": "object", "required": ["captions"], "properties": {"captions": {}}}
    with serving(lambda body: answers.pop(0)) as server:
        answer = client_of(server.url).ask_json([user("hello")], schema)
    assert answer.value == {"captions": ["a"]}
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == schema


def test_an_endpoint_that_knows_no_schema_is_asked_without() -> None:
    with serving(lambda body: (400, {}) if "response_format" in body else '{"a": 1}') as server:
        client = client_of(server.url)
        assert client.ask_json([user("one")]).value == {"a": 1}
        assert client.ask_json([user("two")]).value == {"a": 1}
    assert ["response_format" in body for body in server.requests] == [True, False, False]


@pytest.mark.parametrize("text", ["[1]", "3", "{", '{"b": 1}', "[" * 100_000])
def test_what_is_not_the_json_asked_for_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_json(text, {"type": "object", "required": ["a"]})


def test_several_requests_are_under_way_and_answers_come_in_order() -> None:
    def reply(body: dict) -> object:
        text = body["messages"][0]["content"]
        return (400, {}) if text == "3" else f"answer {text}"

    with serving(reply, delay_s=0.05) as server:
        client = client_of(server.url, concurrency=3)
        found = list(client.map(map(str, range(12)), lambda text: client.ask([user(text)]).text))
    assert server.most == 3
    assert isinstance(found[3], LlmError)
    assert [f"answer {i}" for i in range(12) if i != 3] == [t for t in found if t is not found[3]]


def test_keys_come_from_the_environment_and_stay_with_their_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "openai-secret")
    with serving(lambda body: "fine") as server:
        client_of(server.url).ask([user("hello")])
        monkeypatch.setenv("EARSHOT_LLM_API_KEY", "our-secret")
        client_of(server.url, tmp_path).ask([user("hello")])
    assert server.keys == ["Bearer none", "Bearer our-secret"]
    assert all("secret" not in path.read_text() for path in tmp_path.rglob("*.json"))
    monkeypatch.delenv("EARSHOT_LLM_API_KEY")
    assert LlmConfig("https://api.openai.com/v1", "toy").api_key() == "openai-secret"


def test_offline_only_this_machine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_OFFLINE", "1")
    LlmClient(LlmConfig("http://localhost:8000/v1", "toy"))
    with pytest.raises(EarShotError, match="while offline"):
        LlmClient(LlmConfig("https://api.openai.com/v1", "toy"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "localhost:8000"},
        {"base_url": "ftp://here/v1"},
        {"base_url": "http://me:key@here/v1"},
        {"model": ""},
        {"concurrency": 0},
        {"retries": -1},
        {"max_tokens": 0},
        {"temperature": -1.0},
        {"timeout_s": -1.0},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError):
        LlmConfig(**{"base_url": "http://localhost/v1", "model": "toy", **wrong})


def test_sounds_are_sent_by_their_bytes_and_kept_by_their_digest(tmp_path: Path) -> None:
    with serving(lambda body: "a dog") as server:
        client = client_of(server.url, tmp_path)
        client.ask([user(AudioPart(b"RIFF1"), "What is it?")])
        assert not client.ask([user(AudioPart(b"RIFF2"), "What is it?")]).cached
        assert client.ask([user(AudioPart(b"RIFF1"), "What is it?")]).cached
    sound, text = server.requests[0]["messages"][0]["content"]
    assert sound == {"type": "input_audio", "input_audio": {"data": "UklGRjE=", "format": "wav"}}
    assert text == {"type": "text", "text": "What is it?"}
    with pytest.raises(EarShotError, match="Encode"):
        AudioPart(b"", "wav")
    assert json.loads(next(tmp_path.rglob("*.json")).read_text())["options"]["model"] == "toy"


def test_a_server_that_knows_no_input_audio_gets_a_data_uri_from_then_on() -> None:
    def reply(body: dict) -> object:
        (sound,) = body["messages"][0]["content"]
        if sound["type"] == "input_audio":
            return 400, {}, "unknown content part type: input_audio"
        return sound["audio_url"]["url"]

    with serving(reply) as server:
        client = client_of(server.url, retries=0)
        assert client.ask([user(AudioPart(b"RIFF1"))]).text == "data:audio/wav;base64,UklGRjE="
        client.ask([user(AudioPart(b"RIFF2"))])
    assert len(server.requests) == 3  # refused once


def test_a_server_that_takes_no_sound_at_all_says_so() -> None:
    refuse = (400, {}, "input_audio and audio_url need an audio model")
    with serving(lambda body: refuse) as server:
        client = client_of(server.url, retries=0)
        with pytest.raises(LlmError, match="need an audio model"):
            client.ask([user(AudioPart(b"RIFF1"))])
    assert len(server.requests) == 2
