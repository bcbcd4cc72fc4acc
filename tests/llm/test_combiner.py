from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="needs pip install 'earshot[llm]'")

from earshot.llm import LlmClient, LlmConfig
from earshot.llm.client import LlmError
from earshot.llm.combiner import LlmCombiner
from llm.fake_server import serving


def client_of(url: str, cache: Path | None = None) -> LlmClient:
    return LlmClient(LlmConfig(url, "toy", retries=0), cache, wait=lambda seconds: None)


def test_a_pair_is_asked_for_once_and_long_sentences_are_dropped(tmp_path: Path) -> None:
    said = ["A dog barks while it rains", '"Rain and a dog"', "word " * 30, " ", "Rain and a dog"]

    def reply(body: dict) -> str:
        text = body["messages"][0]["content"]
        assert "First: A dog barks" in text
        assert "Second: It rains" in text
        assert "Write 3 captions" in text
        assert "fewer than 25 words" in text
        assert '{"captions": ["...", "..."]}' in text
        return json.dumps({"captions": said})

    with serving(reply) as server:
        combiner = LlmCombiner(client_of(server.url, tmp_path))
        made = combiner.combine("A dog  barks", "It rains", 3)
        assert made == ("A dog barks while it rains", "Rain and a dog")
        assert combiner.combine("A dog barks", "It rains", 3) == made
        assert len(server.requests) == 1
        assert combiner.combine("A dog barks", "It rains", 3)[:1] == made[:1]
        shorter = LlmCombiner(client_of(server.url), max_words=20)
        assert shorter.identity != combiner.identity


def test_an_answer_without_a_caption_is_told() -> None:
    with (
        serving(lambda body: json.dumps({"captions": ["word " * 40]})) as server,
        pytest.raises(LlmError, match="at most 25 words"),
    ):
        LlmCombiner(client_of(server.url)).combine("a", "b", 1)
