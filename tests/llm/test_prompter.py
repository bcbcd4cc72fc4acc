from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="needs pip install 'earshot[llm]'")

from earshot.core.errors import EarShotError
from earshot.llm import LlmClient, LlmConfig
from earshot.llm.client import LlmError
from earshot.llm.prompt_files import fill, read_prompt
from earshot.llm.prompter import LlmPrompter
from earshot.llm.rewriter import LlmRewriter
from earshot.text.prompt_augmentation import augment_prompts
from earshot.text.stored_rewrites import clean_rewrite
from llm.fake_server import serving


def client_of(url: str, cache: Path | None = None) -> LlmClient:
    return LlmClient(LlmConfig(url, "toy", retries=0), cache, wait=lambda seconds: None)


def test_a_bank_is_written_in_two_stages(tmp_path: Path) -> None:
    def reply(body: dict) -> str:
        text, form = body["messages"][0]["content"], body["response_format"]
        (key,) = form["json_schema"]["schema"]["required"]
        label = "hand saw" if "hand saw" in text else "dog"
        said = ["rough strokes", "a rasp"] if key == "descriptions" else [f"a {label} at work"]
        if key == "captions":
            said += [f"{label}, {like}" for like in ("rough strokes", "a rasp") if like in text]
        return json.dumps({key: said})

    with serving(reply) as server:
        prompter = LlmPrompter(client_of(server.url, tmp_path))
        bank = augment_prompts(["hand_saw", "dog"], prompter)
        assert len(server.requests) == 2 * (1 + 2)  # each is described, each description composed
        augment_prompts(["hand_saw", "dog"], prompter)
        assert len(server.requests) == 6  # kept
    assert bank.prompts_of("hand saw") == (
        "a hand saw at work", "hand saw, rough strokes", "hand saw, a rasp",
    )  # fmt: skip


@pytest.mark.parametrize("said", [{"captions": []}, {"captions": "a"}, {"captions": [1, " "]}])
def test_answers_without_texts_are_no_prompts(said: dict) -> None:
    with (
        serving(lambda body: json.dumps(said)) as server,
        pytest.raises(LlmError, match="no captions"),
    ):
        LlmPrompter(client_of(server.url)).compose("dog", "a yap")


def test_a_rewriter_keeps_different_rewrites_and_knows_its_model() -> None:
    answers = ["A yap", '"A yap"', "a dog barks", "Ok.\n\nA short woof"]
    with serving(lambda body: answers.pop(0)) as server:
        rewriter = LlmRewriter(client_of(server.url), clean_rewrite)
        assert rewriter.rewrite("a dog barks", 4) == ("A yap", "A short woof")
        other = LlmRewriter(LlmClient(LlmConfig(server.url, "other")), clean_rewrite)
        assert rewriter.identity != other.identity
        elsewhere = LlmClient(LlmConfig("http://localhost:1/v1", "toy", retries=3))
        assert rewriter.identity == LlmRewriter(elsewhere, clean_rewrite).identity


def test_instructions_are_filled_in_once() -> None:
    assert fill("{caption} {other} {x y}", caption="a {other} dog") == "a {other} dog {other} {x y}"
    assert "{caption}" in read_prompt("rewrite_v1")
    assert all(field in read_prompt("compose_v1") for field in ("{label}", "{description}"))
    assert "{label}" in read_prompt("describe_v1")
    with pytest.raises(EarShotError, match="Did you mean 'rewrite_v1'"):
        read_prompt("rewrite_v9")
