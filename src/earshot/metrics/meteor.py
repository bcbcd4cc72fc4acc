"""METEOR 1.5, by its own program: stems, synonyms and paraphrases are matched as well as words."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer

import numpy as np
from numpy.typing import NDArray

from earshot.metrics.caption_parts import UnavailableError
from earshot.metrics.java import command, last_line

_BETWEEN = " ||| "


class Meteor:
    """Scores of tokenised sentences; the corpus' score is of its summed statistics, not a mean.

    Source: Denkowski and Lavie 2014, `-l en -norm`.
    """

    def __init__(self, jar: Path, *, timeout_s: float = 600.0) -> None:
        """jar: meteor-1.5.jar, beside which lies data/paraphrase-en.gz."""
        # The first two names stand for files that -stdio does not read.
        self._command = command("2G", "-jar", str(jar), "-", "-", "-stdio", "-l", "en", "-norm")
        self._folder, self._timeout_s = jar.parent, timeout_s

    def __call__(
        self, candidates: Sequence[str], references: Sequence[Sequence[str]]
    ) -> tuple[float, NDArray[np.float64]]:
        """The corpus' score and each clip's, 0 to 1. Raises UnavailableError when it fails."""
        with TemporaryFile() as errors:
            try:
                program = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=self._folder,
                )
            except OSError as fault:
                raise UnavailableError(f"Java cannot be started: {fault.strerror}") from fault
            watch = Timer(self._timeout_s, program.kill)
            watch.start()
            try:
                return _talk(program, candidates, references)
            except (OSError, ValueError) as fault:
                ended = program.poll()
                errors.seek(0)
                why = last_line(errors.read()) if ended is not None else str(fault)
                late = f", after {self._timeout_s:.0f} s" if not watch.is_alive() else ""
                raise UnavailableError(f"METEOR's Java program gave up{late}: {why}") from fault
            finally:
                watch.cancel()
                program.kill()
                program.communicate()


def _talk(
    program: subprocess.Popen[bytes],
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
) -> tuple[float, NDArray[np.float64]]:
    """Ask for the statistics of each clip, then for the scores of them all."""
    assert program.stdin is not None
    assert program.stdout is not None

    def ask(line: str) -> None:
        program.stdin.write(f"{line}\n".encode())  # type: ignore[union-attr]
        program.stdin.flush()  # type: ignore[union-attr]

    def answer() -> str:
        line = program.stdout.readline().decode().strip()  # type: ignore[union-attr]
        if not line:
            raise ValueError("no answer")
        return line

    statistics = []
    for candidate, clip in zip(candidates, references, strict=True):
        ask(_BETWEEN.join(["SCORE", *map(_plain, clip), _plain(candidate)]))
        statistics.append(answer())
    ask(_BETWEEN.join(["EVAL", *statistics]))
    scores = np.array([float(answer()) for _ in statistics])
    return float(answer()), scores


def _plain(sentence: str) -> str:
    """The sentence without the mark that stands between sentences."""
    return " ".join(sentence.replace("|||", " ").split())
