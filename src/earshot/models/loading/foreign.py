"""One door for checkpoints that EarShot did not write: what it is shows in its keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

from earshot.core.errors import EarShotError
from earshot.core.files import is_there
from earshot.core.network import is_offline, require_network
from earshot.models.embedder import Embedder, Precision, Runtime
from earshot.models.load_report import LoadReport
from earshot.models.loading.ase import is_ase, load_ase
from earshot.models.loading.autotcl import is_autotcl, load_autotcl
from earshot.models.loading.beats import is_beats, load_beats
from earshot.models.loading.eat import is_eat, load_eat
from earshot.models.loading.fairseq_file import read_fairseq
from earshot.models.loading.laion import is_laion, load_laion
from earshot.models.loading.library_folder import CONFIG
from earshot.models.loading.microsoft import is_microsoft, load_microsoft
from earshot.models.loading.panns import is_panns, load_panns
from earshot.models.loading.ssast import is_ssast, load_ssast
from earshot.models.loading.transformers_ast import is_ast_folder, load_ast_folder
from earshot.models.loading.transformers_clap import load_transformers
from earshot.models.loading.w2v_bert import (
    is_w2v_bert_folder,
    is_w2v_bert_state,
    load_w2v_bert_folder,
    load_w2v_bert_state,
)
from earshot.models.loading.wav2vec2 import (
    is_fairseq_wav2vec2,
    is_wav2vec2_folder,
    load_fairseq_wav2vec2,
    load_wav2vec2_folder,
)
from earshot.models.loading.weights import read_safetensors, tensors_of
from earshot.models.sound_encoder import SoundEncoder

# Who knows its own by the keys, and reads it; w2v-BERT first, whose keys wav2vec 2.0 has as well.
FILES: tuple[tuple[Callable, Callable], ...] = (
    (is_panns, load_panns),
    (is_eat, load_eat),
    (is_ssast, load_ssast),
    (is_w2v_bert_state, load_w2v_bert_state),
    (is_fairseq_wav2vec2, load_fairseq_wav2vec2),
    (is_autotcl, load_autotcl),
)
FOLDERS: tuple[tuple[Callable, Callable], ...] = (
    (is_ast_folder, load_ast_folder),
    (is_w2v_bert_folder, load_w2v_bert_folder),
    (is_wav2vec2_folder, load_wav2vec2_folder),
)
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = ["*.json", "*.txt", "*.safetensors", "*.bin"]


def load_foreign(
    source: str | Path,
    *,
    name: str | None = None,
    tokenizer: str | Path | None = None,
    precision: Precision = "fp32",
    runtime: Runtime = "auto",
    device: str = "cpu",
    hop_s: float | None = None,
    batch_size: int = 16,
    long_clips: Literal["windows", "fusion"] = "windows",
) -> Embedder:
    """An embedder over a published checkpoint.

    `source` is a `transformers` CLAP directory or its name on the hub, a LAION .pt, a Microsoft
    .pth, or an ASE .pt of WavCaps or AudioSetCaps; `name` is what the embedder is called, `source`
    where left out. `tokenizer` is a folder with the text tower's tokenizer, or its name on the hub,
    where the checkpoint brings none. The
    embedder's `report` says what became of every key.
    """
    model, report = read_foreign(source, tokenizer=tokenizer)
    return Embedder(
        model,
        name or str(source),
        hop_s=hop_s,
        batch_size=batch_size,
        device=device,
        precision=precision,
        runtime=runtime,
        long_clips=long_clips,
        report=report,
    )


def read_foreign(
    source: str | Path, *, tokenizer: str | Path | None = None
) -> tuple[SoundEncoder, LoadReport]:
    """The model in eval mode and the report on its keys; no random number is drawn."""
    path = Path(source)
    if not is_there(path):
        path = fetch(str(source))
    with torch.random.fork_rng(devices=[]):  # building draws weights that are then replaced
        return _from_folder(path, tokenizer) if path.is_dir() else _from_file(path, tokenizer)


def _from_folder(path: Path, tokenizer: str | Path | None) -> tuple[SoundEncoder, LoadReport]:
    """A directory that `transformers` saved: an encoder of sound, else a CLAP."""
    for is_its, read in FOLDERS:
        if is_its(path):
            return read(path)
    return load_transformers(path, tokenizer)


def _from_file(path: Path, tokenizer: str | Path | None) -> tuple[SoundEncoder, LoadReport]:
    """A file of tensors that a paper's authors released."""
    is_safe = path.suffix == ".safetensors"
    whole = read_safetensors(path) if is_safe else read_fairseq(path)
    state = tensors_of(whole, path)
    if is_laion(state):
        return load_laion(state, path, tokenizer)
    if is_ase(state):
        return load_ase(state, path, tokenizer)
    if is_microsoft(state):
        return load_microsoft(state, path, tokenizer)
    if is_beats(state):
        return load_beats(state, path, whole)
    for is_its, read in FILES:
        if is_its(state):
            return read(state, path)
    shown = ", ".join(sorted(state)[:3])
    raise EarShotError(
        got=f"{path} with keys such as {shown}",
        expected="LAION-CLAP (audio_branch. ...), Microsoft CLAP (audio_encoder.base. ...), ASE "
        "(audio_encoder.audio_enc. ...), PANNs (conv_block1. ...), EAT (modality_encoders.IMAGE. "
        "...), SSAST and AST (v.patch_embed. ...), BEATs (patch_embedding. ...), wav2vec 2.0 and "
        "w2v-BERT (post_extract_proj. ...) or AutoTCL (feature_extractor.net. ...)",
        mend="For a model of transformers pass its directory, not the file alone.",
    )


def fetch(name: str) -> Path:
    """The folder of a hub model: from the cache, else through the gate to the network."""
    if not HUB_NAME.fullmatch(name):
        raise EarShotError(
            got=f"{name!r}, which does not exist",
            expected=f"a directory with {CONFIG}, a .pt or .pth file, or a hub name like "
            "'laion/clap-htsat-unfused'",
            mend="Check the path.",
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES, local_files_only=True))
    except (OSError, ValueError):
        mend = f"Copy the model's files into a folder and pass that folder instead of {name}."
        if is_offline():
            require_network(f"the model {name!r}", mend=mend)
    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES))
    except (OSError, ValueError) as fault:
        raise EarShotError(
            got=f"{name!r}: {str(fault).strip().partition(chr(10))[0]}",
            expected="a model on the hub",
            mend=f"Check the name and the network. {mend}",
        ) from fault
