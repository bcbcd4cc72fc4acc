"""ONNX graphs against the embedder they came from, on sounds that the export never saw."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("onnx", reason="needs pip install 'earshot[export]'")
pytest.importorskip("onnxscript", reason="needs pip install 'earshot[export]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'earshot[export]'")
import onnxruntime

import earshot
from earshot.adapters import onnx_export
from earshot.adapters.onnx_export import export_onnx
from earshot.audio import write_audio
from earshot.core.errors import EarShotError
from earshot.encoders.earshot_cnn import EarshotCnnConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.models.embedder import Embedder
from earshot.models.towers import AudioTower, TextTower, TwoTowerConfig, WordText, build_two_tower
from earshot.models.two_tower import TwoTower
from tiny_models import FRONT_END, MODELS, RATE, seeded, sounds

TEXTS = ["rain on a roof, then a long silence and a bell", "dog", "", "ein Hund bellt"]


def earshot_model() -> TwoTower:
    """The towers of earshot-small, in sizes for tests."""
    audio = AudioTower(earshot=EarshotCnnConfig(32, widths=(4, 8), dim=16, n_heads=2))
    text = TextTower(words=WordText(512, 16, TextTransformerConfig(16, 1, 2)))
    config = TwoTowerConfig(FRONT_END, audio, text, dim=24, window_s=1.0, fill="none")
    return build_two_tower(config)


@pytest.fixture(scope="module", params=["earshot", "fused"])
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Embedder, Path, Any]:
    build = MODELS.get(request.param, earshot_model)
    embedder = Embedder(seeded(build), request.param)
    out = tmp_path_factory.mktemp("onnx")
    return embedder, out, export_onnx(embedder, out)


def run(path: Path, *inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))[0]


def test_sounds_of_any_length_give_the_same_rows(exported: Any) -> None:
    embedder, out, towers = exported
    clips = sounds([8_000, 5_000, 2_777], seed=9)
    expected = embedder.embed_waveforms(clips)
    any_batch = isinstance(towers[0].inputs["waveform"][0], str)
    assert any_batch == (embedder.name == "earshot")  # HTSAT takes one batch size alone
    groups = [clips] if any_batch else [[clip] for clip in clips]
    rows = []
    for group in groups:
        batch = np.zeros((len(group), max(map(len, group))), np.float32)
        for row, clip in zip(batch, group, strict=True):
            row[: len(clip)] = clip
        rows.append(run(out / "audio.onnx", batch, np.array([len(clip) for clip in group])))
    np.testing.assert_allclose(np.concatenate(rows), expected, atol=1e-5)


def test_texts_give_the_same_rows(exported: Any) -> None:
    embedder, out, towers = exported
    tokens, padding = embedder.model.tokenizer(TEXTS)
    rows = run(out / "text.onnx", tokens.numpy(), padding.numpy())
    np.testing.assert_allclose(rows, embedder.embed_texts(TEXTS), atol=1e-5)
    assert [towers[1].inputs[name][0] for name in ("tokens", "padding")] == ["batch", "batch"]


def test_the_facts_lie_beside_the_graphs(exported: Any) -> None:
    embedder, out, towers = exported
    facts = json.loads((out / "onnx.json").read_text())
    assert (facts["sample_rate"], facts["window_s"]) == (RATE, 1.0)
    assert facts["fingerprint"] == embedder.fingerprint
    assert [tower["file"] for tower in facts["towers"]] == ["audio.onnx", "text.onnx"]
    assert all(tower.max_difference < 1e-5 for tower in towers)


def test_a_graph_that_says_something_else_is_not_kept(tmp_path: Path) -> None:
    class Wrong(onnx_export.TextGraph):
        def forward(self, tokens: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
            rows = super().forward(tokens, padding)
            return rows + 0.01 if torch.compiler.is_compiling() else rows

    model = seeded(MODELS["strip"])
    probes = onnx_export._text_probes(model)
    with pytest.raises(EarShotError, match=r"differ from torch's by 0\.01"):
        onnx_export._export(Wrong(model), probes, tmp_path / "text.onnx", 1)
    assert list(tmp_path.iterdir()) == []


def test_the_block_of_the_page_runs(
    exported: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, out, _ = exported
    page = (Path(__file__).parents[2] / "docs" / "ecosystem.md").read_text("utf-8")
    [block] = re.findall(r"```python\n(# after earshot export onnx\n.*?)```", page, re.DOTALL)
    write_audio(tmp_path / "sounds" / "dog.wav", sounds([6_000])[0], RATE)
    (tmp_path / "onnx").symlink_to(out)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"earshot": earshot}
    exec(compile(block, "ecosystem.md", "exec"), names)
    expected = embedder.embed_audio(tmp_path / "sounds" / "dog.wav").mean
    np.testing.assert_allclose(names["rows"][0], expected, atol=1e-5)
