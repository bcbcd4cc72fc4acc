"""OpenVINO runs the towers as torch does; what it lacks is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.models import embedder as embedder_module
from earshot.models.embedder import Embedder
from earshot.models.openvino_tower import OpenVinoTower, has_openvino
from tiny_models import RATE, cnn_model, fused_model, htsat_model, seeded, sounds

LENGTHS = [RATE, RATE // 3, 5_000, 1, RATE - 1]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not has_openvino():
        pytest.skip("OpenVINO is not installed: pip install 'earshot[fast]'")
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def cache(exports: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_CACHE", str(exports))
    return exports


@pytest.mark.parametrize("build", [htsat_model, fused_model])
def test_exact_rows_are_those_of_torch(build, cache: Path) -> None:
    model = seeded(build)
    exact = Embedder(model, "tiny", runtime="openvino").embed_waveforms(sounds(LENGTHS))
    torch_rows = Embedder(model, "tiny", runtime="torch").embed_waveforms(sounds(LENGTHS))
    assert np.abs(exact - torch_rows).max() < 1e-5


def test_a_row_does_not_depend_on_its_batch_mates(cache: Path) -> None:
    fast = Embedder(seeded(htsat_model), "tiny", precision="fast")
    clips = sounds(LENGTHS)
    together = fast.embed_waveforms(clips)
    alone = np.concatenate([fast.embed_waveforms([clip]) for clip in clips])
    assert (together == alone).all()


def test_fast_rows_lie_near_and_have_a_fingerprint_of_their_own(cache: Path) -> None:
    model = seeded(htsat_model)
    fast, exact = Embedder(model, "tiny", precision="fast"), Embedder(model, "tiny")
    cosines = (fast.embed_waveforms(sounds(LENGTHS)) * exact.embed_waveforms(sounds(LENGTHS))).sum(
        1
    )
    assert cosines.min() > 0.995
    assert (fast.embed_texts(["a dog"]) == exact.embed_texts(["a dog"])).all()
    assert fast.fingerprint != exact.fingerprint
    assert Embedder(model, "tiny", runtime="openvino").fingerprint == exact.fingerprint


def test_the_graph_is_made_once_and_again_when_it_cannot_be_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = seeded(htsat_model)
    frames = np.zeros((model.features.config.n_mels, model.window_frames), np.float32)
    first = OpenVinoTower(model)([frames])
    held = {path: path.stat().st_mtime_ns for path in cache.rglob("tower.*")}
    assert held
    assert (OpenVinoTower(model)([frames]) == first).all()
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("tower.*")} == held
    with torch.no_grad():
        model.audio_projection.linear2.bias.add_(1.0)
    (tmp_path / "file").write_text("in the way of a folder")
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "file"))
    other = OpenVinoTower(model)([frames])
    expected = Embedder(model, "tiny", runtime="torch").embed_prepared([frames])
    assert np.abs(other - expected).max() < 1e-5
    assert np.abs(other - first).max() > 0.01


def test_nothing_reports_to_the_makers_of_openvino(cache: Path) -> None:
    code = (
        "import sys; from earshot.models.openvino_tower import cpu_has_bf16; cpu_has_bf16();"
        "assert 'openvino.tools.ovc' in sys.modules and sys.modules['openvino_telemetry'] is None"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_openvino_fast_is_bf16_in_torch_and_says_so(monkeypatch) -> None:
    monkeypatch.setattr(embedder_module, "has_openvino", lambda: False)
    model = seeded(htsat_model)
    fast = Embedder(model, "tiny", precision="fast")
    assert "earshot[fast]" in fast.note
    bf16 = Embedder(model, "tiny", precision="bf16").embed_waveforms(sounds(LENGTHS))
    assert (fast.embed_waveforms(sounds(LENGTHS)) == bf16).all()


def test_models_of_any_length_are_left_to_torch() -> None:
    with pytest.raises(EarShotError, match="full windows"):
        Embedder(seeded(cnn_model), "tiny", runtime="openvino")
    with pytest.raises(EarShotError, match="runtime"):
        Embedder(seeded(cnn_model), "tiny", runtime="onnx")
