"""Captions without their sounds: lines of text, or the tables of any caption set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.files import is_file, is_folder
from earshot.core.seed import generator
from earshot.data.columns import find_columns
from earshot.data.tables import SUFFIXES, read_table

NOT_FOR_TRAINING = ("val", "test", "eval")  # in the names of a folder's tables


@dataclass(frozen=True)
class CaptionTexts:
    """Different captions in a fixed order."""

    name: str
    captions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.captions)

    def __iter__(self) -> Iterator[str]:
        return iter(self.captions)

    def parted(self, n_held_out: int, seed: int) -> tuple[CaptionTexts, CaptionTexts]:
        """All but `n_held_out`, at most a tenth, and these, drawn by the seed."""
        n = min(n_held_out, len(self) // 10)
        out = {int(i) for i in generator(seed, "hold out captions").permutation(len(self))[:n]}
        kept = tuple(text for i, text in enumerate(self.captions) if i not in out)
        held_out = tuple(text for i, text in enumerate(self.captions) if i in out)
        return CaptionTexts(self.name, kept), CaptionTexts(f"{self.name}, held out", held_out)


def open_captions(source: str | Path) -> CaptionTexts:
    """The captions of a text file (one a line), a table, or a folder of tables.

    A table has a column caption, captions or text, or several numbered ones, as AudioCaps and
    Clotho have; sounds are neither needed nor opened. Of a folder's tables those for validation and
    test are left out by their names, where there are others. The same caption comes once.

    Raises EarShotError where there is no caption.
    """
    path = Path(os.path.expanduser(source))  # noqa: PTH111 - leaves "~nobody/x" as it is
    captions: dict[str, None] = {}
    for table in _tables(path):
        texts = _lines(table) if table.suffix.lower() == ".txt" else _cells(table)
        captions |= dict.fromkeys(tidy for text in texts if (tidy := tidy_caption(text)))
    if not captions:
        raise EarShotError(
            got=f"{path} without a caption",
            expected="a text file of captions, or tables with a caption column",
            mend="Name the file itself, or call its column caption.",
        )
    return CaptionTexts(path.stem, tuple(captions))


def tidy_caption(text: str) -> str:
    """Lower case, single spaces, no full stop at the end."""
    return " ".join(text.lower().split()).rstrip(" .")


def _tables(path: Path) -> list[Path]:
    if is_file(path):
        return [path]
    if not is_folder(path):
        raise EarShotError(
            got=f"{path}, which is not there",
            expected="a file or a folder of captions",
            mend="Correct the path.",
        )
    found = sorted(
        each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and _has_captions(each)
    )
    train = [each for each in found if not any(n in each.stem.lower() for n in NOT_FOR_TRAINING)]
    return train or found


def _has_captions(path: Path) -> bool:
    try:
        table = read_table(path)
        return bool(find_columns(table.columns, None, path.name).captions)
    except EarShotError:
        return False  # not a table of captions: of other files in a folder nothing is asked


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").splitlines()


def _cells(path: Path) -> Iterator[str]:
    """Every caption of a table. Raises EarShotError for one without a column of captions."""
    table = read_table(path)
    names = find_columns(table.columns, None, path.name).captions
    if not names:
        raise EarShotError(
            got=f"{path.name} with columns {', '.join(table.columns[:20])}",
            expected="caption, captions, text or numbered captions among them",
            mend="Rename the column of captions.",
        )
    for row in table.rows:
        for name in names:
            value = row.values.get(name)
            yield from map(str, value if isinstance(value, list | tuple) else [value or ""])
