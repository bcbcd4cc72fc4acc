"""Shape checks at public doors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from earshot.core.errors import EarShotError


class HasShape(Protocol):
    """A tensor or an array."""

    @property
    def shape(self) -> Sequence[int]: ...  # noqa: D102


def values_are_known() -> bool:
    """False while `torch.export` traces a graph: shapes can be checked then, values cannot."""
    import torch

    tracing = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)
    return not tracing()


def check_shape(name: str, value: HasShape, expected: Sequence[int | str], *, mend: str) -> None:
    """Refuse `value` unless its shape fits: numbers must match, words stand for any size."""
    shape = tuple(value.shape)
    fits = len(shape) == len(expected) and all(
        isinstance(want, str) or want == size for want, size in zip(expected, shape, strict=True)
    )
    if not fits:
        raise EarShotError(
            got=f"{name} of shape {list(shape)}",
            expected=f"shape [{', '.join(str(size) for size in expected)}]",
            mend=mend,
        )
