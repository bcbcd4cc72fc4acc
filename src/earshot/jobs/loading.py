"""Any model by name: what ships, what was trained here, what others published."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.core.checkpoint import CONFIG_NAME, Checkpoint, is_checkpoint, read_checkpoint
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.files import is_file, is_folder
from earshot.core.network import close_network

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder, Precision, Runtime

DEFAULT = "earshot-small"
CAPTIONER = "earshot-captioner"  # ships too, but writes: it embeds nothing
FILE_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")
ACCEPTED = (
    "a name that ships ({shipped}), a run folder of `earshot run`, a transformers CLAP folder or "
    "hub name (laion/clap-htsat-unfused), a LAION .pt, a Microsoft .pth or an ASE .pt (WavCaps, "
    "AudioSetCaps); for sound alone also PANNs, SSAST or AST .pth, BEATs .pt, transformers folders "
    "of AST, w2v-BERT or wav2vec 2.0"
)


def load(
    model: str | Path = DEFAULT,
    *,
    device: str = "cpu",
    offline: bool = False,
    precision: Precision = "fp32",
    runtime: Runtime = "auto",
    hop_s: float | None = None,
    tokenizer: str | Path | None = None,
) -> Embedder:
    """A model that embeds sounds and, where it knows words, texts into one space.

    model: a shipped name, a run folder, a `transformers` CLAP folder or hub name, a LAION .pt or a
    Microsoft .pth; what lies there decides, not how it is called. `offline` closes the network
    for this process. `hop_s` sets how far apart windows start; a window's length if left out.
    `tokenizer` is for checkpoints that bring none (LAION's, Microsoft's): a folder or a hub name;
    files beside the checkpoint are found without it. precision "fast" takes the quickest way there
    is on this machine, to within 0.005 of cosine; `runtime` says what runs the audio tower.
    """
    if offline:
        close_network()
    options: dict[str, Any] = {"device": device, "precision": precision, "runtime": runtime}
    if hop_s is not None:
        options["hop_s"] = hop_s
    if tokenizer is not None:
        options["tokenizer"] = tokenizer
    name = os.fspath(model)
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - leaves "~nobody/x" as it is
    checkpoint = find_checkpoint(model)
    if checkpoint is not None:
        own = name if name in shipped_models() else str(path.absolute())
        return _from_checkpoint(checkpoint, own, options)
    if is_file(path) or is_file(path / "config.json"):
        return _foreign(path, str(path.absolute()), options)
    if is_folder(path):
        raise EarShotError(
            got=f"{path}, a folder without {CONFIG_NAME} or config.json",
            expected=_accepted(),
            mend="Name the folder that holds the model itself.",
        )
    if name == CAPTIONER:
        raise EarShotError(
            got=f"{CAPTIONER}, which writes captions and embeds nothing",
            expected=_accepted(),
            mend="Caption with it: earshot caption FILES.",
        )
    if name == DEFAULT:
        raise EarShotError(
            got=f"{DEFAULT}, whose weights are not in this installation",
            expected=f"them in {_weights() / DEFAULT}",
            mend="Install EarShot again, or make them from its sources: make weights.",
        )
    if not _is_hub_name(name):
        known = shipped_models() or [DEFAULT]
        raise unknown_name("model", name, known, mend=f"A model is {_accepted()}.")
    return _from_hub(name, options)


def find_checkpoint(model: str | Path) -> Checkpoint | None:
    """The checkpoint of ours that `load` finds under this name or path; None for others'."""
    name = os.fspath(model)
    folder = _weights() / name if name in shipped_models() else Path(os.path.expanduser(name))  # noqa: PTH111
    return read_checkpoint(folder) if is_checkpoint(folder) else None


def load_untrained(model: str | Path, seed: int = 0, **options: Any) -> Embedder:
    """What `load` finds under `model`, with random weights: a control for what training is worth.

    Raises EarShotError for models of others, whose weights are all that is known of them, unless
    they are encoders that were read by a config of ours.
    """
    from earshot.models.embedder import Embedder

    checkpoint = find_checkpoint(model)
    if checkpoint is not None:
        from earshot.jobs.rebuild import untrained

        return Embedder(untrained(checkpoint, seed), f"{os.fspath(model)}, untrained", **options)
    import torch

    from earshot.models.audio_tower import build_sound_encoder

    found = load(model)
    if found.model.config is None:
        raise EarShotError(
            got=f"{os.fspath(model)} untrained",
            expected="a run of a recipe, or a published encoder",
            mend="Leave that control out.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        twin = build_sound_encoder(found.model.config)
    return Embedder(twin, f"{found.name}, untrained", **options)


def as_embedder(model: str | Path | Embedder, **options: Any) -> Embedder:
    """`model` itself when it embeds already, else what `load` makes of the name and options."""
    return load(model, **options) if isinstance(model, str | Path) else model


def shipped_models() -> list[str]:
    """Names of the models inside the package that embed, sorted."""
    folder = _weights()
    if not folder.is_dir():
        return []
    found = {each.name for each in folder.iterdir() if (each / CONFIG_NAME).is_file()}
    return sorted(found - {CAPTIONER})


def shipped_folder(name: str) -> Path:
    """Where the shipped model of that name lies, if it is in this installation."""
    return _weights() / name


def _weights() -> Path:
    return Path(str(resources.files("earshot"))) / "weights"


def _from_checkpoint(checkpoint: Checkpoint, name: str, options: dict[str, Any]) -> Embedder:
    """A model of ours: its own recipe builds it."""
    from earshot.jobs.rebuild import rebuild
    from earshot.models.embedder import Embedder
    from earshot.text.deferred import DeferredTokenizer
    from earshot.text.pretrained import has_tokenizer

    model = rebuild(checkpoint)
    options.pop("tokenizer", None)  # its own is a part of it
    tokenizer = getattr(model, "tokenizer", None)
    if isinstance(tokenizer, DeferredTokenizer) and has_tokenizer(checkpoint.folder):
        tokenizer.files = checkpoint.folder
    return Embedder(model, name, **options)


def _foreign(source: Path | str, name: str, options: dict[str, Any]) -> Embedder:
    """A published checkpoint, recognised by what it holds, or the name of one on the hub."""
    from earshot.models.loading import load_foreign

    return load_foreign(source, name=name, **options)


def _from_hub(name: str, options: dict[str, Any]) -> Embedder:
    """A model of ours or another's, by its name on the hub."""
    from earshot.models.loading import fetch

    folder = fetch(name)
    if is_checkpoint(folder):
        return _from_checkpoint(read_checkpoint(folder), name, options)
    return _foreign(folder, name, options)


def _is_hub_name(name: str) -> bool:
    """True for OWNER/MODEL, unless it looks like a path on this machine with a slip in it."""
    is_path = name.endswith(FILE_SUFFIXES) or is_folder(Path(name).parent)
    return HUB_NAME.fullmatch(name) is not None and not is_path


def _accepted() -> str:
    return ACCEPTED.format(shipped=", ".join(shipped_models()) or DEFAULT)
