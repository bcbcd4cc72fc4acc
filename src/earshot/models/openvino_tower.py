"""The audio tower under OpenVINO: the same numbers in half the time, bf16 ones in a fifth."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.models.sound_encoder import SoundEncoder

FORMAT = 1  # of what lies in the cache
HINTS = {"fp32": "f32", "bf16": "bf16"}


def has_openvino() -> bool:
    """Whether OpenVINO is installed; it is not imported for that."""
    return find_spec("openvino") is not None


def cpu_has_bf16() -> bool:
    """Whether this processor multiplies matrices in bf16, as OpenVINO sees it."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def takes_full_windows(model: SoundEncoder) -> bool:
    """Whether every clip comes to the audio encoder as a full window, so that its graph is one."""
    return model.fill != "none"


class OpenVinoTower:
    """Log-mels to unit rows: audio encoder, projection and normalisation of a two-tower model.

    One clip is one request and one core's work, so a row never depends on its batch-mates. In
    "fp32" rows agree with torch's within 1e-6, in "bf16" within about 1e-2. The graph is made from
    the model once (some ten seconds for HTSAT) and kept in the user's cache by what is in it:
    EARSHOT_CACHE, or ~/.cache/earshot; a cache that cannot be written is done without.
    """

    def __init__(self, model: SoundEncoder, precision: Literal["fp32", "bf16"] = "fp32") -> None:
        if not takes_full_windows(model):
            raise EarShotError(
                got="a model that takes clips of any length",
                expected="one that fills every clip up to its window, such as CLAP's HTSAT",
                mend="Leave runtime out: torch runs it.",
            )
        core, n_streams = _openvino().Core(), torch.get_num_threads()
        options = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": n_streams,
            "NUM_STREAMS": n_streams,
            "ENABLE_CPU_PINNING": False,  # decoding threads want their turn
        }
        compiled = core.compile_model(_graph(model, core), "CPU", options)
        self.queue = _openvino().AsyncInferQueue(compiled, n_streams)
        self.queue.set_callback(self._keep)
        self.rows: np.ndarray = np.zeros((0, 0), np.float32)
        self.dim = compiled.output(0).get_partial_shape()[1].get_length()
        self.lock = threading.Lock()

    def __call__(self, log_mels: Sequence[np.ndarray]) -> np.ndarray:
        """Unit rows [n, dim] of log-mels [n_mels, frames], each a full window."""
        with self.lock:
            self.rows = np.zeros((len(log_mels), self.dim), np.float32)
            for i, log_mel in enumerate(log_mels):
                self.queue.start_async({0: log_mel[None]}, i)
            self.queue.wait_all()
            return self.rows

    def _keep(self, request: Any, i: int) -> None:
        self.rows[i] = request.get_output_tensor(0).data[0]


class _FullWindow(nn.Module):
    """What is exported: from the log-mel of one full window to its unit row."""

    def __init__(self, model: SoundEncoder) -> None:
        super().__init__()
        self.model = model
        self.frames = model.window_frames

    def forward(self, log_mel: Tensor) -> Tensor:
        """log_mel [1, n_mels, frames] -> [1, dim]."""
        return self.model.embed_frames(log_mel, torch.full((1,), self.frames))


def _openvino() -> ModuleType:
    """The module, kept from reporting to its makers that and how it is used."""
    if not has_openvino():
        raise EarShotError(
            got="runtime='openvino' where OpenVINO is not installed",
            expected="the openvino package",
            mend='Install it: pip install "earshot[fast]"; or leave runtime out.',
        )
    # Importing openvino sends an event over the network through this package; it runs without.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def _graph(model: SoundEncoder, core: Any) -> Any:
    """The exported graph, from the cache where it holds this very tower."""
    projection = {f"projection {k}": v for k, v in model.audio_projection.state_dict().items()}
    tensors = {**model.audio_encoder.state_dict(), **projection}
    facts = {
        "format": FORMAT,
        "made by": [_openvino().get_version(), metadata.version("transformers")],
        "encoder": repr(model.audio_encoder),
        "frames": model.window_frames,
    }
    folder = cache_folder() / "openvino" / fingerprint(facts, tensors)
    graph = None
    if not (folder / "tower.xml").is_file():
        graph = _export(model)
        _keep_in_cache(graph, folder)
    kept = folder / "tower.xml"  # what was written may differ in the last bit: all read that
    return core.read_model(kept) if graph is None or kept.is_file() else graph


def _export(model: SoundEncoder) -> Any:
    """The tower as an OpenVINO graph for one full window."""
    n_mels = model.features.config.n_mels
    example = torch.zeros(1, n_mels, model.window_frames)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that shapes become constants: here they are
        graph = _openvino().convert_model(_FullWindow(model).eval(), example_input=example)
    graph.reshape([1, n_mels, model.window_frames])
    return graph


def _keep_in_cache(graph: Any, folder: Path) -> None:
    """Write the graph so that it is whole or not there; without a cache the next run makes it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part-"))
    except OSError:
        return
    try:
        _openvino().save_model(graph, part / "tower.xml", compress_to_fp16=False)
        part.rename(folder)
    except (OSError, RuntimeError):  # a full disk, or another process was first
        shutil.rmtree(part, ignore_errors=True)


def cache_folder() -> Path:
    """Where what can be made again is kept."""
    named = os.environ.get("EARSHOT_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "earshot"
