"""The tools as an assistant's client sees them."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="mcp is not installed: pip install 'earshot[mcp]'")
from mcp.client import Client
from mcp.server import MCPServer

import earshot
from earshot.adapters.mcp import build_server
from toy_embedder import TONES, ToyEmbedder, write_tones

ODD = os.fsdecode(b"caf\xe9.wav")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    names = {f"{i:02d}.wav": (word,) for i, word in enumerate([*TONES] * 2)}
    write_tones(folder, names | {"deep/long.wav": ("cat", "cat", "bell", "cat")})
    write_tones(folder, {ODD: ("rain",)})
    earshot.index(folder, model=ToyEmbedder())
    return folder


@pytest.fixture(scope="module")
def server(sounds: Path) -> MCPServer:
    return build_server(sounds, model=ToyEmbedder())


def call(server: MCPServer, tool: str, **arguments: Any) -> Any:
    """The tool's answer, or its complaint as a str."""

    async def ask() -> Any:
        async with Client(server) as client:
            return await client.call_tool(tool, arguments)

    result = asyncio.run(ask())
    [content] = result.content
    return content.text if result.is_error else json.loads(content.text)


def test_the_tools_say_what_they_do_and_that_they_only_read(server: MCPServer) -> None:
    async def ask() -> Any:
        async with Client(server) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(ask())}
    assert sorted(tools) == ["caption", "index_stats", "search", "similar", "tag"]
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    assert tools["search"].input_schema["properties"]["k"]["maximum"] == 50
    assert tools["search"].input_schema["required"] == ["words"]


def test_search_says_where(server: MCPServer) -> None:
    found = call(server, "search", words="a bell", k=3)
    paths = {hit["path"]: hit for hit in found["hits"]}
    assert set(paths) == {"03.wav", "08.wav", "deep/long.wav"}
    long = paths["deep/long.wav"]
    assert (long["start_s"], long["end_s"], long["duration_s"]) == (2, 3, 4)
    assert long["score"] == pytest.approx(1.0, abs=0.01)


def test_search_takes_filters(server: MCPServer) -> None:
    only = call(server, "search", words="dog", folder="deep")
    assert [hit["path"] for hit in only["hits"]] == ["deep/long.wav"]
    assert call(server, "search", words="dog", longer_than_s=3)["hits"] == only["hits"]
    short = call(server, "search", words="bell", k=50, shorter_than_s=3)["hits"]
    assert len(short) == 11
    assert call(server, "search", words="dog", tag="none has it")["hits"] == []


def test_similar_leaves_the_sound_itself_out(server: MCPServer) -> None:
    hits = call(server, "similar", path="03.wav", k=2)["hits"]
    assert {hit["path"] for hit in hits} == {"08.wav", "deep/long.wav"}


def test_a_name_that_is_not_utf8_comes_and_goes(server: MCPServer) -> None:
    [hit] = [h for h in call(server, "search", words="rain", k=3)["hits"] if "caf" in h["path"]]
    assert hit["path"] == "caf\\xe9.wav"
    assert call(server, "tag", path=hit["path"], labels=["rain", "dog"])["labels"][0]["label"] == (
        "rain"
    )
    assert call(server, "similar", path=hit["path"], k=1)["hits"][0]["score"] > 0.9


def test_tag(server: MCPServer) -> None:
    answer = call(server, "tag", path="00.wav", labels=["a cat", "a dog", "rain"], k=2)
    assert [each["label"] for each in answer["labels"]][0] == "a dog"
    assert len(answer["labels"]) == 2
    everyday = call(server, "tag", path="00.wav", k=50)["labels"]
    assert len(everyday) == 50


def test_stats(server: MCPServer, sounds: Path) -> None:
    facts = call(server, "index_stats")
    assert (facts["files"], facts["windows"], facts["model"]) == (12, 15, "toy")
    assert facts["folder"] == sounds.name
    assert str(sounds) not in json.dumps(facts)


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("search", {"words": " "}, "empty query"),
        ("search", {"words": "dog " * 1_000}, "words of 4,000 characters"),
        ("search", {"words": "dog", "k": 0}, "k=0; expected 1 to 50"),
        ("search", {"words": "dog", "k": 51}, "k=51; expected 1 to 50"),
        ("similar", {"path": "nothing.wav"}, "the path of a sound in the index"),
        ("similar", {"path": "../../etc/passwd"}, "the path of a sound in the index"),
        ("tag", {"path": "/etc/passwd"}, "the path of a sound in the index"),
        ("tag", {"path": "00.wav\x00"}, "the path of a sound in the index"),
        ("tag", {"path": "00.wav", "labels": ["a"] * 201}, "201 labels; expected 1 to 200"),
        ("tag", {"path": "00.wav", "labels": ["a", " "]}, "empty"),
        ("tag", {"path": "00.wav", "labels": ["a" * 2_000]}, "a label of 2,000 characters"),
    ],
)
def test_every_mend_is_a_sentence(
    server: MCPServer, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    answer = call(server, tool, **arguments)
    assert isinstance(answer, str)
    assert sentence in answer
    assert "Traceback" not in answer


def test_what_is_indexed_later_is_found_and_what_is_gone_is_said(tmp_path: Path) -> None:
    write_tones(tmp_path, {"a.wav": ("dog",)})
    earshot.index(tmp_path, model=ToyEmbedder())
    server = build_server(tmp_path, model=ToyEmbedder())
    write_tones(tmp_path, {"b.wav": ("cat",)})
    earshot.index(tmp_path, model=ToyEmbedder())
    assert call(server, "search", words="cat", k=1)["hits"][0]["path"] == "b.wav"
    (tmp_path / "b.wav").unlink()
    assert "b.wav" in call(server, "tag", path="b.wav")


def test_a_link_out_of_the_folder_leads_nowhere(tmp_path: Path) -> None:
    write_tones(tmp_path, {"in/a.wav": ("dog",), "out/secret.wav": ("cat",)})
    (tmp_path / "in" / "link.wav").symlink_to(tmp_path / "out" / "secret.wav")
    earshot.index(tmp_path / "in", model=ToyEmbedder())
    server = build_server(tmp_path / "in", model=ToyEmbedder())
    answer = call(server, "tag", path="link.wav")
    assert "leads out of the indexed folder" in answer


def test_sounds_in_a_bucket_are_found_tagged_and_compared(tmp_path: Path) -> None:
    write_tones(tmp_path / "bucket", {"a b/dog#.wav": ("dog",), "cat.wav": ("cat",)})
    place = tmp_path / "index"
    earshot.index(f"file://{tmp_path}/bucket", model=ToyEmbedder(), index=place)
    server = build_server(index=place, model=ToyEmbedder())
    best = call(server, "search", words="dog", k=1)["hits"][0]["path"]
    assert best == "a b/dog#.wav"
    assert call(server, "tag", path=best, labels=["cat", "dog"])["labels"][0]["label"] == "dog"
    assert [hit["path"] for hit in call(server, "similar", path=best)["hits"]] == ["cat.wav"]
    assert call(server, "index_stats")["folder"] == "bucket"


def test_caption_says_what_is_heard_of_the_index_alone(server: MCPServer) -> None:
    found = call(server, "caption", path="deep/long.wav")
    assert found["path"] == "deep/long.wav"
    assert found["duration_s"] == 4
    [window] = found["windows"]
    assert (window["start_s"], window["end_s"]) == (0, 4)
    assert found["caption"] == window["caption"] != ""
    assert "as search gives it" in call(server, "caption", path="/etc/passwd")


def test_what_is_too_long_to_caption_in_a_call_is_a_sentence(
    server: MCPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.adapters.mcp.MAX_CAPTIONED_S", 3.0)
    said = call(server, "caption", path="deep/long.wav")
    assert "a sound of at most 3 s" in said
    assert "earshot caption FILE" in said
