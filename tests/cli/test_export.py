"""`earshot export` through the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import earshot
from earshot.adapters import onnx_export
from earshot.cli.main import app, main
from earshot.core.checkpoint import save_checkpoint
from earshot.recipes import clap


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "clap"
    torch.manual_seed(0)
    config = clap.Config.small()
    save_checkpoint(folder, "clap", config, clap.build(config))
    return folder


def test_hf_says_what_it_wrote(own: Path, tmp_path: Path) -> None:
    args = ["export", "hf", str(own), str(tmp_path / "hub"), "--license", "apache-2.0"]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    fingerprint = earshot.load(own).fingerprint
    assert f"for earshot.load; fingerprint {fingerprint}" in result.stderr
    assert earshot.load(tmp_path / "hub").fingerprint == fingerprint
    args = ["export", "hf", str(own), str(tmp_path / "again"), "--json"]
    row = json.loads(CliRunner().invoke(app, args).stdout)
    assert (row["form"], row["fingerprint"], row["max_difference"]) == ("earshot", fingerprint, 0)


def test_onnx_says_what_the_graphs_take(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    towers = [
        onnx_export.ExportedTower("audio.onnx", {"waveform": ["batch", 16_000]}, 1e-6),
        onnx_export.ExportedTower("text.onnx", {"tokens": ["batch", "width"]}, 2e-6),
    ]

    def export(embedder: object, out: Path, *, batch_size: int) -> list:
        assert batch_size == 3
        out.mkdir()
        return towers

    monkeypatch.setattr(onnx_export, "export_onnx", export)
    args = ["export", "onnx", str(own), str(tmp_path / "onnx"), "--batch-size", "3"]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    assert "audio.onnx: waveform [batch, 16000]; differs from torch by at most 1e-06." in (
        result.stderr
    )
    words = json.loads((tmp_path / "onnx" / "tokenizer_config.json").read_text())
    assert words["tokenizer_class"] == "WordTokenizer"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["hf", "no-such-model", "out"], "no-such-model"),
        (["hf", "no-such-model", "out", "--form", "clapp"], "Did you mean 'clap'?"),
    ],
)
def test_every_mend(
    args: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["earshot", "export", *args])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "package", "extra"),
    [
        (["export", "onnx", "model", "out"], "onnxscript", "earshot[export]"),
        (["mcp"], "mcp.server", "earshot[mcp]"),
    ],
)
def test_a_missing_package_is_named(
    args: list[str],
    package: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delitem(sys.modules, "earshot.adapters.mcp", raising=False)
    monkeypatch.setitem(sys.modules, package, None)  # what importing then raises
    monkeypatch.setattr(sys, "argv", ["earshot", *args])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert f"no package {package.removesuffix('.server')}" in (said := capsys.readouterr().err)
    assert extra in said
