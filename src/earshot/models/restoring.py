"""Weights into the model that they are of: nothing is allocated before both are seen to fit."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from earshot.core.checkpoint import Checkpoint
from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from torch import Tensor, nn

M = TypeVar("M", bound="nn.Module")
LARGEST = 10_000_000  # of any size in a config: rates, vocabularies and widths lie far below
MEND = "Copy the folder again, weights and earshot.json together."


def restore(checkpoint: Checkpoint, build: Callable[[], M]) -> M:
    """What `build` makes of the checkpoint's config, with its weights.

    Raises EarShotError for a config and weights that do not belong together. That is found out on
    the meta device, which holds no numbers: what a damaged config asks for is never allocated.
    """
    import torch

    weights = checkpoint.weights()
    _check_sizes(checkpoint, len(weights))
    with torch.device("meta"):
        _check_fit(checkpoint, built(checkpoint, build), weights)
    with torch.random.fork_rng(devices=[]):  # building draws weights that are then replaced
        model = build()
    model.load_state_dict(weights)
    return model


def built(checkpoint: Checkpoint, build: Callable[[], M]) -> M:
    """What `build` makes, with random weights; EarShotError for a config that builds no model."""
    try:
        return build()
    except EarShotError:
        raise
    except Exception as fault:  # sizes that do not fit together fail in the libraries, in all ways
        raise EarShotError(
            got=f"{checkpoint.folder}, whose config builds no model ({type(fault).__name__}: "
            f"{str(fault).partition(chr(10))[0][:200]})",
            expected="the config that its weights were trained with",
            mend=MEND,
        ) from fault


def own_config(checkpoint: Checkpoint) -> dict[str, Any]:
    """The config, with a tokenizer.json beside the weights in the place of where it was trained."""
    config, file = copy.deepcopy(checkpoint.config), checkpoint.folder / "tokenizer.json"
    pieces = config.get("model", {}).get("text", {}).get("bpe")
    if pieces and file.is_file():
        pieces["tokenizer"] = str(file)
    return config


def to_device(model: M, device: str) -> M:
    """The model, moved; EarShotError for a device that torch does not find."""
    try:
        return model.to(device)
    except (RuntimeError, AssertionError) as fault:
        raise EarShotError(
            got=f"device {device!r} ({str(fault).partition(chr(10))[0][:120]})",
            expected="cpu, cuda or mps",
            mend="Name a device that torch finds on this machine.",
        ) from fault


def _check_sizes(checkpoint: Checkpoint, n_tensors: int) -> None:
    """Refuse sizes that no model has; a loop over layers must end before anything is compared."""
    for name, size in _sizes(checkpoint.config.get("model"), "model"):
        is_depth = "depth" in name or name.endswith("convs_per_block")
        largest = n_tensors if is_depth else LARGEST
        if size > largest:
            raise EarShotError(
                got=f"{checkpoint.folder} with {name}={size}",
                expected=f"at most {largest:,}",
                mend=MEND,
            )


def _sizes(value: Any, name: str) -> Iterator[tuple[str, int]]:
    """Every whole number in a config, with its dotted name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _sizes(inner, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _sizes(inner, name)
    elif isinstance(value, int):
        yield name, value


def _check_fit(checkpoint: Checkpoint, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Refuse weights of other names or shapes than the config asks for."""
    own = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    missing, unexpected = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    if missing or unexpected:
        raise EarShotError(
            got=f"{checkpoint.folder} without {missing[:3]} and with {unexpected[:3]}",
            expected=f"the {len(own)} tensors that its config asks for",
            mend=MEND,
        )
    for name, shape in own.items():
        if list(weights[name].shape) != shape:
            raise EarShotError(
                got=f"{checkpoint.folder} with {name} of shape {list(weights[name].shape)}",
                expected=f"tensors of the shapes that its config asks for, here {shape}",
                mend=MEND,
            )
