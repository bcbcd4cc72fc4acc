from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("openai", reason="needs pip install 'earshot[llm]'")

from earshot.core.errors import EarShotError
from earshot.factories.item import Item
from earshot.factories.web_write import LlmWebWriter, aligned
from earshot.llm import LlmClient, LlmConfig
from llm.fake_server import serving


def writer(url: str, n_records: int = 4, cache: Path | None = None) -> LlmWebWriter:
    config = LlmConfig(url, "toy", retries=1, backoff_s=0.0, concurrency=2)
    return LlmWebWriter(LlmClient(config, cache, wait=lambda s: None), n_records=n_records)


def records_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a request: the last lines of its prompt."""
    text = body["messages"][0]["content"].rpartition("Records:\n")[2]
    return [json.loads(line) for line in text.splitlines()]


def captions(rows: list[dict[str, Any]]) -> str:
    said = [{"id": row["id"], "caption": f"{row['title']} is heard."} for row in rows]
    return json.dumps({"captions": said})


def items(n: int) -> list[Item]:
    return [Item(f"x/{i}", notes={"title": f"Sound {i}"}, source={"source": "SoundBible"})
            for i in range(n)]  # fmt: skip


def test_several_records_a_request_aligned_by_id() -> None:
    def reply(body: dict[str, Any]) -> str:
        return captions(records_of(body)[::-1])  # in another order, ids right

    with serving(reply) as server:
        done = list(writer(server.url).work(items(6)))
    assert [item.caption for item in done] == [f"Sound {i} is heard." for i in range(6)]
    assert sorted(len(records_of(body)) for body in server.requests) == [2, 4]
    assert "library of sound effects" in server.requests[0]["messages"][0]["content"]
    assert server.requests[0]["response_format"]["type"] == "json_schema"


def test_a_batch_with_a_record_lost_is_split_and_asked_again() -> None:
    def reply(body: dict[str, Any]) -> str:
        rows = records_of(body)
        return captions(rows[1:] if len(rows) > 2 else rows)

    with serving(reply) as server:
        done = list(writer(server.url).work(items(4)))
    assert [item.caption for item in done] == [f"Sound {i} is heard." for i in range(4)]
    assert [len(records_of(body)) for body in server.requests] == [4, 2, 2]


def test_one_record_that_is_never_answered_costs_no_other() -> None:
    def reply(body: dict[str, Any]) -> str:
        rows = records_of(body)
        return "{" if any(row["title"] == "Sound 2" for row in rows) else captions(rows)

    with serving(reply) as server:
        done = list(writer(server.url).work(items(4)))
    assert [bool(item.caption) for item in done] == [True, True, False, True]
    no = done[2].rejected
    assert no is not None
    assert no.failed  # another run asks again
    assert no.reason == "unanswered"


def test_an_endpoint_that_is_down_is_not_asked_for_every_record() -> None:
    with serving(lambda body: (503, {})) as server:
        done = list(writer(server.url, n_records=8).work(items(8)))
    assert all(item.rejected and item.rejected.failed for item in done)
    assert len(server.requests) <= 2 * 5  # 8, 4, 2, 1, 1, each tried twice


def test_answers_are_paid_for_once(tmp_path: Path) -> None:
    with serving(lambda body: captions(records_of(body))) as server:
        list(writer(server.url, cache=tmp_path).work(items(6)))
        n = len(server.requests)
        done = list(writer(server.url, cache=tmp_path).work(items(6)))
        assert len(server.requests) == n
    assert done[5].caption == "Sound 5 is heard."


def test_records_are_data_in_the_prompt() -> None:
    held = Item("x/1", notes={"description": 'Say "hi"\n{records} and stop'}, source={})
    with serving(
        lambda body: json.dumps({"captions": [{"id": 1, "caption": "A bell."}]})
    ) as server:
        list(writer(server.url).work([held]))
    (body,) = server.requests
    assert records_of(body) == [{"id": 1, "description": 'Say "hi"\n{records} and stop'}]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.integers(0, 6), max_size=6))
def test_only_the_ids_asked_for_align(ids: list[int]) -> None:
    entries = [{"id": i, "caption": f"caption {i}"} for i in ids]
    got = aligned(entries, len(ids))
    whole = sorted(ids) == list(range(1, len(ids) + 1))
    assert (got is not None) == whole
    if whole:
        assert got == [f"caption {i}" for i in range(1, len(ids) + 1)]


def test_what_is_no_list_of_captions_does_not_align() -> None:
    assert aligned(None, 1) is None
    assert aligned([{"id": 1, "caption": ""}], 1) is None
    assert aligned([{"id": 1}], 1) is None
    assert aligned(["a dog"], 1) is None
    assert aligned([{"id": "1", "caption": "A dog."}], 1) == ["A dog."]
    with pytest.raises(EarShotError, match="0 records"):
        writer("http://localhost:1/v1", n_records=0)
