"""SPICE, by its own program: what things, with what attributes, in what relations are told of."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from earshot.metrics.caption_parts import UnavailableError
from earshot.metrics.java import command, run_java

_CLASS = "edu.anu.spice.SpiceScorer"


class Spice:
    """F1 of the tuples of candidates' and references' scene graphs; the corpus' is the mean.

    Source: arXiv:1607.08822. It is given a second chance when it hangs, and keeps no cache, so that
    several processes never share one.
    """

    def __init__(self, jar: Path, libraries: Sequence[Path], *, timeout_s: float = 1200.0) -> None:
        """jar: spice-1.0.jar; libraries: folders with the jars that it needs."""
        self._classes = os.pathsep.join([str(jar), *(str(each / "*") for each in libraries)])
        self._timeout_s = timeout_s

    def __call__(
        self, candidates: Sequence[str], references: Sequence[Sequence[str]]
    ) -> tuple[float, NDArray[np.float64]]:
        """The corpus' score and each clip's, 0 to 1. Raises UnavailableError when it fails."""
        rows = [
            {"image_id": i, "test": candidate, "refs": list(clip)}
            for i, (candidate, clip) in enumerate(zip(candidates, references, strict=True))
        ]
        for again in (False, True):
            try:
                scores = self._scores(rows)
                break
            except UnavailableError as fault:
                if again or "gave no answer" not in str(fault):
                    raise
        return float(scores.mean()), scores

    def _scores(self, rows: list[dict[str, object]]) -> NDArray[np.float64]:
        with TemporaryDirectory(prefix="earshot-spice-") as name:
            asked, answered = Path(name) / "captions.json", Path(name) / "scores.json"
            asked.write_text(json.dumps(rows), "utf-8")
            arguments = [str(asked), "-out", str(answered), "-subset", "-silent"]
            line = command("8G", "-cp", self._classes, _CLASS, *arguments)
            run_java(line, "", timeout_s=self._timeout_s)
            try:
                found = json.loads(answered.read_text("utf-8"))
                by_clip = {row["image_id"]: row["scores"]["All"]["f"] for row in found}
                return np.nan_to_num(np.array([by_clip[i] for i in range(len(rows))], np.float64))
            except (OSError, ValueError, KeyError, TypeError) as fault:
                raise UnavailableError(
                    f"SPICE wrote no scores that can be read: {fault}"
                ) from fault
