"""earshot-small end to end: ten-second wav files on disk to embeddings, in x real time."""

from __future__ import annotations

from typing import Any

from figures import Figure, alternate, repeated
from material import scenes


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Seconds of sound embedded in a second, exactly and fast."""
    from earshot.jobs.embed import embed
    from earshot.jobs.loading import load

    files = sorted(scenes(8 if tiny else 200).glob("*.wav"))
    exact, fast = load("earshot-small"), load("earshot-small", precision="fast")
    seconds = alternate(
        {"exact": lambda: embed(files, model=exact), "fast": lambda: embed(files, model=fast)},
        n_pairs,
    )
    heard = 10.0 * len(files)
    return [
        repeated(f"earshot-small, {name}", [heard / each for each in values], "x real time")
        for name, values in seconds.items()
    ], {}
