"""`earshot serve` under load: 32 clients at once on loopback, three by words to one by upload."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import serve_load
from figures import Figure


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Requests a second, faults, p95, and how many requests share a pass of the model."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, clients = (3.0, 4) if tiny else (60.0, 32)
        found = serve_load.main(Path(folder) / "load.json", seconds=seconds, n_clients=clients)
    return [
        Figure("faults", found.faults, "", at_most=0),
        Figure("requests a second", found.requests_per_s, "1/s"),
        Figure("words: p95", found.words_p95_ms, "ms"),
        Figure("upload: p95", found.upload_p95_ms, "ms"),
        Figure("texts a pass of the model", found.texts_per_pass, ""),
        Figure("windows a pass of the model", found.windows_per_pass, ""),
    ], {"clients": clients, "seconds": seconds}
