"""What is installed, what is missing, and what works without it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True)
class Part:
    """Something that EarShot can use."""

    name: str  # of the distribution, or of the program
    module: str  # imported; "" for a program
    serves: str
    without: str  # what happens when it is missing
    needed: bool = False
    install: str = ""


PARTS = (
    Part("torch", "torch", "every model", "nothing runs", needed=True),
    Part("numpy", "numpy", "everything", "nothing runs", needed=True),
    Part("soundfile", "soundfile", "wav, flac, ogg, mp3", "no sound is read", needed=True),
    Part("soxr", "soxr", "resampling", "no sound is resampled", needed=True),
    Part("av", "av", "m4a, mp4, webm", "those formats are refused", needed=True),
    Part("safetensors", "safetensors", "models on disk", "no model is loaded", needed=True),
    Part("tokenizers", "tokenizers", "text towers", "no text is embedded", needed=True),
    Part("transformers", "transformers", "CLAP folders", "shipped models alone", needed=True),
    Part("lancedb", "lancedb", "index and search", "tag and embed still work", needed=True),
    Part("pyarrow", "pyarrow", "index, Parquet", "tag and embed still work", needed=True),
    Part("accelerate", "accelerate", "training", "everything but training", needed=True),
    Part("datasets", "datasets", "data sets of the hub", "manifests and folders still work",
         install='pip install "earshot[data]"'),
    Part("webdataset", "webdataset", "tar shards", "manifests and folders still work",
         install='pip install "earshot[data]"'),
    Part("matplotlib", "matplotlib", "pictures", "reports without pictures",
         install='pip install "earshot[report]"'),
    Part("scikit-learn", "sklearn", "embedding maps", "reports without maps",
         install='pip install "earshot[report]"'),
    Part("tensorboard", "tensorboard", "training curves", "curves as CSV",
         install='pip install "earshot[train]"'),
    Part("pretty_midi", "pretty_midi", "procedural tunes", "a simple voice of our own",
         install='pip install "earshot[music]"'),
    Part("onnxruntime", "onnxruntime", "earshot export onnx", "models stay in torch",
         install='pip install "earshot[export]"'),
    Part("mcp", "mcp", "earshot mcp", "an assistant cannot ask the index",
         install='pip install "earshot[mcp]"'),
    Part("mne", "mne", "recordings of brains", "brain_decoding has its simulation alone",
         install='pip install "earshot[brain]"'),
    Part("fluidsynth", "", "tunes with real instruments", "a simple voice of our own",
         install="your system's package manager"),
    Part("espeak-ng", "", "spoken phrases", "a formant voice of our own",
         install="your system's package manager"),
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One line of the doctor."""

    name: str
    ok: bool
    version: str  # "" when missing
    serves: str
    advice: str  # "" when all is well
    needed: bool


def doctor() -> list[Finding]:
    """Everything that EarShot can use, what is there of it, and the mend for what is not.

    Nothing heavy is imported and the network is not touched.
    """
    return [_python(), *map(_part, PARTS), *_models(), _network()]


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    advice = "" if ok else "EarShot needs Python 3.11 or newer."
    return Finding("python", ok, platform.python_version(), "everything", advice, needed=True)


def _part(part: Part) -> Finding:
    if part.module:
        found = importlib.util.find_spec(part.module) is not None
        version = _version(part.name) if found else ""
    else:
        version = shutil.which(part.name) or ""
        found = bool(version)
    mend = part.install or f"pip install {part.name}"
    advice = "" if found else f"without it: {part.without}. To get it: {mend}"
    return Finding(part.name, found, version, part.serves, advice, part.needed)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown version"


def _models() -> Iterable[Finding]:
    from earshot.jobs.loading import DEFAULT, shipped_models

    shipped = shipped_models()
    for name in shipped or [DEFAULT]:
        ok = name in shipped
        advice = "" if ok else "make it: make weights; or pass another --model"
        yield Finding(name, ok, "shipped" if ok else "", "the default model", advice, needed=False)


def _network() -> Finding:
    from earshot.core.network import is_offline

    state = "closed" if is_offline() else "open"
    return Finding("network", True, state, "models of the hub; nothing else", "", needed=False)
