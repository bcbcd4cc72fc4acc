"""`earshot mcp` as an assistant starts it: another process, spoken to over its pipes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("mcp", reason="mcp is not installed: pip install 'earshot[mcp]'")
from mcp import StdioServerParameters
from mcp.client import Client

import earshot
from earshot.core.checkpoint import save_checkpoint
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.models.towers import AudioTower
from earshot.recipes import clap
from toy_embedder import write_tones


def test_an_assistant_searches_over_pipes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = clap.Config.small()
    audio = AudioTower(strips=StripTransformerConfig(n_mels=32, dim=16, depth=1, n_heads=2))
    config = replace(config, model=replace(config.model, audio=audio, fill="none"))
    save_checkpoint(tmp_path / "run", "clap", config, clap.build(config))
    write_tones(tmp_path / "sounds", {"dog.wav": ("dog",), "bell.wav": ("bell",)})
    earshot.index(tmp_path / "sounds", model=tmp_path / "run")
    source = str(Path(earshot.__file__).parents[1])
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "earshot", "--offline", "mcp", "--dir", str(tmp_path / "sounds")],
        env={**os.environ, "PYTHONPATH": source},
    )

    async def ask() -> Any:
        async with Client(server) as client:
            found = await client.call_tool("search", {"words": "a dog", "k": 2})
            refused = await client.call_tool("similar", {"path": "/etc/passwd"})
        return found, refused

    found, refused = asyncio.run(ask())
    hits = json.loads(found.content[0].text)["hits"]
    assert {hit["path"] for hit in hits} == {"dog.wav", "bell.wav"}
    assert refused.is_error
    assert "the path of a sound in the index" in refused.content[0].text
