"""Tokenizers of published text towers, from a folder or through the gate to the hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder
from earshot.core.network import is_offline, require_network
from earshot.text.clean import clean

if TYPE_CHECKING:
    from torch import Tensor


class PretrainedTokenizer:
    """A `transformers` tokenizer that cuts to `max_tokens` and pads on the right.

    `suffix` is added to every text before it is cut. `pad_id` replaces the tokenizer's own
    padding id (Microsoft's CLAP pads GPT-2 with "!", id 0).
    """

    def __init__(
        self,
        library_tokenizer: Any,
        *,
        max_tokens: int,
        suffix: str = "",
        pad_id: int | None = None,
    ):
        self._tokenizer, self.max_tokens, self.suffix = library_tokenizer, max_tokens, suffix
        own = library_tokenizer.pad_token_id
        self.pad_id: int = pad_id if pad_id is not None else (own if own is not None else 0)
        self.vocab_size: int = len(library_tokenizer)

    @property
    def facts(self) -> dict[str, str | int]:
        """What the ids depend on, for fingerprints."""
        words = json.dumps(self._tokenizer.get_vocab(), sort_keys=True)
        return {
            "kind": type(self._tokenizer).__name__,
            "vocab": hashlib.sha256(words.encode()).hexdigest(),
            "max_tokens": self.max_tokens,
            "suffix": self.suffix,
            "pad_id": self.pad_id,
        }

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens [batch, tokens] and padding, as wide as the longest text."""
        from earshot.text.tokenizer import pad_rows

        rows = self._tokenizer(
            [clean(text) + self.suffix for text in texts],
            truncation=True,
            max_length=self.max_tokens,
            padding=False,
            return_attention_mask=False,
        )["input_ids"]
        return pad_rows([row or [self.pad_id] for row in rows], self.pad_id)

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files into `folder`."""
        self._tokenizer.save_pretrained(folder)


TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt")
BESIDE = "tokenizer"  # the folder beside a checkpoint file that may hold its tokenizer


def has_tokenizer(folder: Path) -> bool:
    """Whether a tokenizer's files lie in `folder`."""
    return any((folder / name).is_file() for name in TOKENIZER_FILES)


def tokenizer_source(given: str | Path | None, near: Path, hub_name: str) -> str | Path:
    """Where a checkpoint's tokenizer is: as given, in or beside `near`, else on the hub."""
    if given is not None:
        return given
    home = near if near.is_dir() else near.parent
    return next((folder for folder in (home / BESIDE, home) if has_tokenizer(folder)), hub_name)


def load_tokenizer(
    source: str | Path, *, max_tokens: int, suffix: str = "", pad_id: int | None = None
) -> PretrainedTokenizer:
    """The tokenizer in a folder, or of that name on the hub when the network may be used."""
    library = load_library_tokenizer(source)
    return PretrainedTokenizer(library, max_tokens=max_tokens, suffix=suffix, pad_id=pad_id)


def load_library_tokenizer(source: str | Path) -> Any:
    """The same as the tokenizer of `transformers` that it is."""
    folder = Path(source)
    mend = (
        f"Put tokenizer.json (or vocab and merges) of {source} into a folder named {BESIDE!r} "
        "beside the checkpoint, or pass such a folder as tokenizer."
    )
    try:
        if is_folder(folder):
            return _read(str(folder), local_files_only=True)
        return _from_hub(str(source), mend)
    except EarShotError:
        raise
    except Exception as fault:  # the library tells of damaged files with exceptions of every kind
        raise EarShotError(
            got=f"tokenizer {str(source)!r}: {str(fault).partition(chr(10))[0] or fault!r}",
            expected="a folder with a tokenizer's files, or a name on the hub",
            mend=mend,
        ) from fault


def _from_hub(name: str, mend: str) -> Any:
    """What the hub's cache holds under `name`, or else the hub."""
    try:
        return _read(name, local_files_only=True)
    except (OSError, ValueError):
        if is_offline():
            require_network(f"the tokenizer {name!r}", mend=mend)
    return _read(name)


def _read(source: str, **options: Any) -> Any:
    """A tokenizer's files as data: one that brings code of its own is refused, never asked for."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(source, trust_remote_code=False, **options)
