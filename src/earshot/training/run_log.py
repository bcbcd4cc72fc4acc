"""What a run says while it trains: a CSV file, TensorBoard where installed, a bar on stderr."""

from __future__ import annotations

import csv
import importlib.util
import io
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from earshot.core.files import write_text

LOG_NAME = "log.csv"
FIELDS = ("step", "loss", "learning_rate", "grad_norm", "x_real_time", "elapsed_s")


class RunLog:
    """Rows of FIELDS and of a loss's parts in `out/log.csv`, the same in `out/tensorboard`, a bar.

    Begun at a step above 0 it drops the rows that a killed run wrote after its last checkpoint,
    so that the file reads as one run.
    """

    def __init__(self, out: Path, *, step: int, steps: int, every: int, quiet: bool) -> None:
        self.path, self.every, self.quiet = out / LOG_NAME, every, quiet
        self.began = self.since = time.monotonic()
        self.audio_s, self.audio_since = 0.0, 0.0
        if quiet:
            return
        kept = [row for row in read_log(out) if row["step"] <= step] if step else []
        self.elapsed_before = kept[-1]["elapsed_s"] if kept else 0.0
        self.fields = tuple(kept[-1]) if kept else FIELDS
        self._write(kept)
        self.bar = tqdm(
            total=steps,
            initial=step,
            unit="step",
            file=sys.stderr,
            mininterval=0.2 if sys.stderr.isatty() else 30.0,  # a log file wants few lines
            dynamic_ncols=True,
        )
        self.board = _tensorboard(out / "tensorboard", step)

    def note(
        self,
        step: int,
        loss: float,
        learning_rate: float,
        grad_norm: float,
        audio_s: float,
        parts: Mapping[str, float] | None = None,
    ) -> None:
        """Take in update number `step` (from 1); write a row when `every` divides it.

        `parts` are columns of their own, from the first row that has them.
        """
        self.audio_s += audio_s
        if self.quiet:
            return
        self.bar.update(1)
        if step % self.every and step != self.bar.total:
            return
        now = time.monotonic()
        speed = (self.audio_s - self.audio_since) / max(now - self.since, 1e-9)
        self.since, self.audio_since = now, self.audio_s
        elapsed = self.elapsed_before + now - self.began
        row = dict(zip(FIELDS, (step, loss, learning_rate, grad_norm, speed, elapsed), strict=True))
        row |= parts or {}
        if row.keys() - set(self.fields):
            self.fields = tuple(dict.fromkeys((*self.fields, *row)))
            self._write(read_log(self.path.parent))
        with self.path.open("a", encoding="utf-8", newline="") as file:
            self._table(file).writerow({name: _short(value) for name, value in row.items()})
        shown = {"loss": f"{loss:.3f}"} | ({"x_real_time": f"{speed:.0f}"} if audio_s else {})
        self.bar.set_postfix(shown, refresh=False)
        if self.board is not None:
            for name in row.keys() - {"step", "elapsed_s"}:
                self.board.add_scalar(f"train/{name}", row[name], step)

    def _write(self, rows: Sequence[Mapping[str, float]]) -> None:
        """The file anew, with these rows."""
        text = io.StringIO()
        table = self._table(text)
        table.writeheader()
        table.writerows({name: _short(value) for name, value in row.items()} for row in rows)
        write_text(self.path, text.getvalue())

    def _table(self, file: TextIO) -> csv.DictWriter:
        return csv.DictWriter(file, self.fields, restval="nan", lineterminator="\n")

    def close(self) -> None:
        """Flush everything."""
        if self.quiet:
            return
        self.bar.close()
        if self.board is not None:
            self.board.close()


def read_log(out: Path) -> list[dict[str, float]]:
    """The rows of `out/log.csv`, numbers by field; a row cut short by a kill is left out."""
    path = out / LOG_NAME
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    return [{name: float(value) for name, value in row.items()} for row in rows]


def _tensorboard(folder: Path, step: int) -> Any:
    """A TensorBoard writer that hides what an earlier process wrote after `step`, or None."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder, purge_step=step + 1 if step else None)


def _short(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) and value % 1 else f"{value:.0f}"
