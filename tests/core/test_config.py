from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from earshot.core.config import from_dict, override, to_dict
from earshot.core.errors import EarShotError


@dataclass(frozen=True)
class Inner:
    steps: int = 3
    rate: float = 1e-3
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    fit: Inner = field(default_factory=Inner)
    name: str = "x"
    sizes: tuple[int, ...] = (1, 2)
    maybe: int | None = None
    flag: bool = False


def test_round_trip() -> None:
    config = Outer(fit=Inner(steps=7), sizes=(4,), maybe=2)
    assert from_dict(Outer, to_dict(config)) == config


def test_override_is_typed_by_the_dataclass() -> None:
    changes = ["fit.steps=50", "fit.rate=1", "sizes=3,4", "maybe=none", "flag=true", "fit.kind=b"]
    changed = override(Outer(maybe=4), changes)
    assert changed == Outer(
        fit=Inner(steps=50, rate=1.0, kind="b"), sizes=(3, 4), maybe=None, flag=True
    )
    assert isinstance(changed.fit.rate, float)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("fit.step=5", "fit.steps"),
        ("fit.steps=soon", "int"),
        ("fit.kind=c", "'a', 'b'"),
        ("name.x=1", "Set name itself"),
        ("fit.steps", "FIELD=VALUE"),
    ],
)
def test_faults_name_the_mend(change: str, word: str) -> None:
    with pytest.raises(EarShotError, match="got") as caught:
        override(Outer(), [change])
    assert word in str(caught.value)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(EarShotError, match=r"config\.fit\.speed"):
        from_dict(Outer, {"fit": {"speed": 1}})
