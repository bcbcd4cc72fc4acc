"""Start an encoder of `transformers` from public weights, with a word on what did not fit."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from earshot.core.errors import EarShotError
from earshot.core.network import is_offline


def load_public_weights(model: nn.Module, source: str) -> list[str]:
    """Put the weights in `source`, a folder or a hub name, into a `transformers` model, in place.

    Gives the parameters that the source lacks, which keep their random start: for masked language
    models the pooler. Raises EarShotError when nothing is there, shapes differ, or the network is
    closed and the name is not in the hub's cache.
    """
    mend = f"Put config.json and model.safetensors of {source} into a folder and name that folder."
    pooler = {} if getattr(model, "pooler", model) is not None else {"add_pooling_layer": False}
    local = Path(source).is_dir() or is_offline()
    try:
        loaded, report = type(model).from_pretrained(
            source,
            local_files_only=local,
            use_safetensors=True,
            output_loading_info=True,
            **pooler,
        )
        model.load_state_dict(loaded.state_dict())
    except (OSError, ValueError, RuntimeError) as fault:
        raise EarShotError(
            got=f"weights {source!r}: {str(fault).partition(chr(10))[0]}",
            expected=f"safetensors for a {type(model).__name__} of the sizes in the config",
            mend=mend,
        ) from fault
    return sorted(report["missing_keys"])
