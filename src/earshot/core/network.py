"""The one gate to the network: closed by --offline or EARSHOT_OFFLINE=1."""

from __future__ import annotations

import os

from earshot.core.errors import EarShotError

VARIABLE = "EARSHOT_OFFLINE"


def close_network() -> None:
    """Refuse every look-up from here on, in this process and its children."""
    os.environ[VARIABLE] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_DATASETS_OFFLINE"] = "1"


def is_offline() -> bool:
    """True when the gate is closed."""
    return os.environ.get(VARIABLE, "") not in ("", "0") or os.environ.get("HF_HUB_OFFLINE") == "1"


def require_network(what: str, *, mend: str) -> None:
    """Refuse to fetch `what` when the gate is closed, saying where to put it instead."""
    if is_offline():
        raise EarShotError(
            got=f"{what}, which is not on this machine, while offline",
            expected="a local path, or leave to use the network",
            mend=mend,
        )
